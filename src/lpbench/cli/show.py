"""``lpbench show``: print a saved result again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lpbench import store
from lpbench.cli import _console

if TYPE_CHECKING:
    import argparse

    from lpbench.result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print a saved result again."
    parser.epilog = "examples:\n  lpbench show last -v\n  lpbench show result.json --json"
    parser.add_argument(
        "result", nargs="?", default=store.LAST, metavar="RESULT", help="a file, a saved result's name, or last (last)"
    )
    parser.add_argument("--predictions", action="store_true", help="print the best answer for each sample")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="each run, every metric, facts, environment")


def main(options: argparse.Namespace) -> int:
    """Print the result."""
    from lpbench.cli.run import print_result

    result = load(options.result)
    if options.json:
        _console.answer_json(result.to_dict())
    else:
        print_result(result, verbose=options.verbose, predictions=options.predictions)
    return _console.DONE


def load(word: str) -> Result:
    """Return a result by its file, by its name among the saved ones, or the newest for ``last``.

    :raises ResultError: There is none, or it cannot be read.
    """
    saved = store.folder() / f"{Path(word).name.removesuffix('.json')}.json"
    named = word != store.LAST and not Path(word).exists() and saved.is_file()
    return store.load(saved if named else word)
