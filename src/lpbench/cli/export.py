"""``lpbench export``: write what a sweep measured as a descriptor and a CSV that others can train on."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console, _options

if TYPE_CHECKING:
    from lpbench.results.exchange import Exported

EPILOG = """examples:
  lpbench export night --algorithm imagenet --platform rpi4 -o published
  lpbench export night --algorithm imagenet --platform rpi4 --filter engine=ncnn --price 60 -o published"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Write the measured rows of a sweep in the published dataset format: ALGORITHM_PLATFORM.json describes the "
        "columns of ALGORITHM_PLATFORM.csv. What the format cannot carry stays in the sweep's folder and is named. "
        "Values that readers would have to repair are refused."
    )
    parser.epilog = EPILOG
    parser.add_argument("folder", metavar="DIR", help="the folder of a sweep")
    parser.add_argument("--algorithm", required=True, metavar="NAME", help="what the rows are about, such as imagenet")
    parser.add_argument("--platform", required=True, metavar="ID", help="the machine (lpbench platforms lists ids)")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="where both files go, beside others"
    )
    parser.add_argument("--price", type=_price, metavar="P", help="price of the platform (that of its data sheet)")
    parser.add_argument(
        "--filter", type=_options.conditions, metavar="COLUMN=VALUE,…", help="only rows that have these values"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the two files")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Write the pair, and say where it is and what it lacks."""
    from lpbench.cli._steps import Beating
    from lpbench.jobs.exchanging import export
    from lpbench.jobs.sweep import load_sweep

    with Beating("exporting"):
        done = export(
            load_sweep(options.folder).where(**(options.filter or {})),
            options.output,
            algorithm=options.algorithm,
            platform=options.platform,
            price=options.price,
            overwrite=options.force,
        )
    _answer(done, as_json=options.json, folder=options.output)
    return _console.DONE


def _answer(done: Exported, *, as_json: bool, folder: Path) -> None:
    if as_json:
        _console.answer_json(done.to_dict())
        return
    _console.answer(done.in_short(), f"{done.descriptor}", *(f"note: {note}" for note in done.notes))
    _console.answer(f"next: lpbench validate {shlex.quote(str(folder))}")


def _price(text: str) -> float:
    """Return a price.

    :raises argparse.ArgumentTypeError: It is none.
    """
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f'found "{text}"; it takes a number, 0 or more')
    return price
