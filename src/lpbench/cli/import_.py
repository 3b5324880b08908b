"""``lpbench import``: take published data over, without the values that are known to be wrong."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse

EPILOG = """examples:
  lpbench import imagenet_rpi4.json imagenet_rpi3.json -o measured
  lpbench import stairwai -o measured --json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Read published benchmark data, pairs of a descriptor (.json) and a dataset (.csv), and write it into a folder "
        "without the values that are known to be wrong: zeros that stand for missing values, impossible temperatures, "
        "values of another unit. Nothing is guessed: such cells are empty, and faults.json says which and why."
    )
    parser.epilog = EPILOG
    parser.add_argument(
        "pairs", nargs="+", metavar="PAIR", help="a descriptor, a dataset with its descriptor beside it, or a folder"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a new folder for them")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the faults of every file")
    parser.add_argument("--json", action="store_true", help="print every fault of every file as JSON")


def main(options: argparse.Namespace) -> int:
    """Import, and print what was repaired."""
    from lpbench.cli._steps import Beating
    from lpbench.render import exchange
    from lpbench.results.exchange import import_dataset

    with Beating("reading") as steps:
        found = import_dataset(options.pairs, options.output, progress=lambda file: steps.tell(file, f"reading {file}"))
    if options.json:
        _console.answer_json(found.to_dict())
        return _console.DONE
    stream = _console.answers()
    paint = _console.painter(stream)
    _console.answer(*exchange.screen(found, width=_console.width(stream), paint=paint, verbose=options.verbose))
    which = ["--algorithm", found.tables[0].name] if len(found.tables) > 1 else []
    words = ["lpbench", "choose", str(options.output), *which]
    _console.answer(paint(f"next: {clean(shlex.join(words))}", "dim"))
    return _console.DONE
