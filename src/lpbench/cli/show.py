"""``lpbench show``: print a saved result again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _formats
from lpbench.errors import ResultError, closest
from lpbench.results import store
from lpbench.util.paths import similar

if TYPE_CHECKING:
    import argparse

    from lpbench.results.model import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print a saved result again."
    parser.epilog = "examples:\n  lpbench show last -v\n  lpbench show result.json --markdown"
    parser.add_argument(
        "result", nargs="?", default=store.LAST, metavar="RESULT", help="a file, a saved result's name, or last (last)"
    )
    parser.add_argument("--predictions", action="store_true", help="print the best answer for each sample")
    _formats.add(parser, "print the result as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show each run, every metric, facts, environment")


def main(options: argparse.Namespace) -> int:
    """Print the result."""
    from lpbench.cli.run import print_result

    form = _formats.chosen(options)
    result = load(options.result)
    if options.json:
        _console.answer_json(result.to_dict())
    elif form:
        from lpbench.render import exports

        _console.answer(*exports.of_result(result, form).split("\n"))
    else:
        print_result(result, verbose=options.verbose, predictions=options.predictions)
    return _console.DONE


def load(word: str) -> Result:
    """Return the result in a file, the saved result of that name, or the newest for ``last``.

    :raises ResultError: The result does not exist or cannot be read.
    """
    path = Path(word)
    if word == store.LAST:
        return store.newest(_console.say)[1]
    if os.path.lexists(word):
        return store.load(word)
    saved = {file.stem: file for file in store.saved_files()[0]}
    if path.name.removesuffix(".json") in saved:
        return store.load(saved[path.name.removesuffix(".json")])
    near = closest(word, saved)
    hint = f'did you mean "{near}"?' if near else f"{store.LAST} is the newest; all are in {store.folder()}"
    if os.sep in word or path.suffix == ".json":
        near_file = similar(path)
        raise ResultError("no such file", where=word, hint=f'did you mean "{near_file}"?' if near_file else hint)
    raise ResultError(f'there is no result "{word}"', hint=hint)
