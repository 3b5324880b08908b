"""``python -m tests.attack``: attacks every kind, prints what came of it; exit status 1 if anything failed."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attack import campaign, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, INTERRUPTED = 0, 1, 130
SEEDS = 1_000_000
EPILOG = """\
A failure is an exception that is none of lpbench's, a hang, a crash, memory without bound, a file outside the folder,
control characters that reach a terminal, a lost run, an orphan, a file left behind. Each prints the command that
repeats it.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Attack, print, and say by the exit status whether anything failed."""
    options = _parsed(words)
    if options.list:
        print("\n".join(campaign.names()))
        return DONE
    kept = Path(options.keep or tempfile.mkdtemp(prefix="lpbench-attacked-"))
    asked = campaign.Asked(
        options.kinds, options.seed, options.mutants, options.kills, options.seconds, kept, options.mutant
    )
    found = campaign.Campaign(asked)
    print(f"seed {options.seed}, {len(found.tallies)} kinds, files of failures in {kept}", file=sys.stderr, flush=True)
    complete = found.run()
    print(tally.table(found.tallies) + tally.causes(found.tallies), flush=True)
    if options.json:
        Path(options.json).write_text(tally.document(found.tallies, options.seed), encoding="utf-8")
    if not complete:
        return INTERRUPTED
    return FAILED if any(each.failed for each in found.tallies) else DONE


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make attack", description=__doc__, epilog=EPILOG)
    parser.add_argument("--seed", type=int, default=random.randrange(SEEDS), help="decides on every mutant")
    parser.add_argument("--kinds", type=_names, help="what to attack, with commas between; all by default")
    parser.add_argument("--seconds", type=float, help="time for all kinds together, divided among them")
    parser.add_argument("--mutants", type=int, help="mutants of each kind (1000, or as many as the time allows)")
    parser.add_argument("--kills", type=int, help="kills of each kind (10, or as many as the time allows)")
    parser.add_argument("--mutant", type=int, metavar="NUMBER", help="repeat this one alone")
    parser.add_argument("--json", metavar="FILE", help="write the outcome here too")
    parser.add_argument("--keep", metavar="DIR", help="where the files of failures go")
    parser.add_argument("--list", action="store_true", help="list the kinds and exit")
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    known = campaign.names()
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f'unknown kind "{name}"; known: {", ".join(known)}')
    return names


if __name__ == "__main__":
    sys.exit(main())
