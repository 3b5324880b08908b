"""``lpbench show``: print a saved result or a sweep again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _formats, _options
from lpbench.cli._parser import UsageError
from lpbench.errors import ResultError, closest
from lpbench.results import store
from lpbench.util.paths import similar

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.results.model import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print a saved result again, or the rows of a sweep, the best first."
    parser.epilog = "examples:\n  lpbench show last -v\n  lpbench show night --filter engine=ncnn,threads=2 --csv"
    parser.add_argument(
        "result",
        nargs="?",
        default=store.LAST,
        metavar="RESULT",
        help="a file, a saved result's name, the folder of a sweep, or last (last)",
    )
    sweeps = parser.add_argument_group("rows of a sweep")
    sweeps.add_argument(
        "--filter",
        type=_options.conditions,
        metavar="COLUMN=VALUE,…",
        help="only rows that have these values: engine=ncnn,threads=2",
    )
    sweeps.add_argument("--sort", metavar="COLUMN", help="the best first by this (the time of a sample)")
    parser.add_argument("--predictions", action="store_true", help="print the best answer for each sample")
    _formats.add(parser, "print the result as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show each run, every metric, facts, environment")


def main(options: argparse.Namespace) -> int:
    """Print the result."""
    from lpbench.cli.run import print_result

    form = _formats.chosen(options)
    if Path(options.result).is_dir():
        return _show_sweep(options, form)
    _refuse(options, ("filter", "sort"), "the rows of a sweep", "name the folder of one")
    result = load(options.result)
    if options.json:
        _console.answer_json(result.to_dict())
    elif form:
        from lpbench.render import exports

        _console.answer(*exports.of_result(result, form).split("\n"))
    else:
        print_result(result, verbose=options.verbose, predictions=options.predictions)
    return _console.DONE


def _refuse(options: argparse.Namespace, flags: Sequence[str], subject: str, hint: str) -> None:
    """Refuse options that only another thing than the one that is shown has."""
    unheeded = next((flag for flag in flags if getattr(options, flag)), None)
    if unheeded:
        raise UsageError(f"--{unheeded} applies only to {subject}", hint=hint)


def _show_sweep(options: argparse.Namespace, form: str) -> int:
    """Print the rows of a sweep."""
    from lpbench.jobs.sweep import load_sweep
    from lpbench.render import sweep as rows

    hint = f"name one: {Path(options.result) / 'results' / '00001.json'}"
    _refuse(options, ("predictions", "verbose"), "the result of a block", hint)
    chosen = load_sweep(options.result).where(**(options.filter or {})).best_first(options.sort or "")
    stream = _console.answers()
    if options.json:
        _console.answer_json(chosen.to_dict())
    elif form:
        _console.answer(*rows.export(chosen, form).split("\n"))
    else:
        _console.answer(*rows.screen(chosen, width=_console.width(stream), paint=_console.painter(stream)))
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
