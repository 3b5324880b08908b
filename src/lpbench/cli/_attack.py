"""``lpbench check NAME --attack``: damaged models for an engine, and what came of them."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.errors import LpbenchError
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from lpbench.testing import Attacked
    from lpbench.testing._attack import Outcome

WITH_IT = ("mutants", "mutant", "seed", "seconds")
"""Options that only an attack has."""
WITHOUT = ("model", "extra", "input", "shape")
"""Options that an attack does not have: it damages the model that the plugin contains."""
SEEDS = 1_000_000
OUTCOMES: tuple[Outcome, ...] = ("refused", "accepted", "crashed", "failed")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("attack")
    group.add_argument(
        "--attack", action="store_true", help="open and run damaged models of the engine's case instead of the checks"
    )
    group.add_argument("--mutants", type=_options.from_one, metavar="N", help="how many (200, or what the time allows)")
    group.add_argument("--seconds", type=_options.above_zero, metavar="S", help="end after this time")
    group.add_argument("--seed", type=_options.from_zero, metavar="N", help="repeats an attack (random)")
    group.add_argument("--mutant", type=_options.from_zero, metavar="N", help="repeat the mutant of this number alone")


def refuse_mixed(options: argparse.Namespace) -> None:
    """Raise for options of an attack without one, and for those that it does not have.

    :raises LpbenchError: Naming the option.
    """
    for name in WITHOUT if options.attack else WITH_IT:
        if getattr(options, name) not in (None, []):
            what = "does not apply to --attack" if options.attack else "requires --attack"
            raise LpbenchError(f"--{name} {what}", hint="an attack damages the model that the plugin contains")


def main(name: str, engine_options: Mapping[str, Any], options: argparse.Namespace) -> int:
    """Attack an engine, print what came of it, and say by the exit status whether anything failed."""
    from lpbench.testing import attack_engine

    seed = random.randrange(SEEDS) if options.seed is None else options.seed  # noqa: S311 - not for secrets
    only = options.mutant is not None
    with Beating(f"attacking: starting {clean(name)}", patience=0.0) as steps:
        done: dict[str, int] = dict.fromkeys(OUTCOMES, 0)

        def progress(attempt: Any) -> None:
            done[attempt.outcome] += 1
            words = ", ".join(f"{count} {outcome}" for outcome, count in done.items() if count)
            steps.tell("attack", f"attacking: {words}")

        found = attack_engine(
            name,
            mutants=1 if only else options.mutants,
            seed=seed,
            seconds=options.seconds,
            first=options.mutant or 0,
            options=engine_options,
            progress=progress,
        )
    if options.json:
        _console.answer_json(_document(found))
    else:
        _console.answer(*_screen(found, verbose=options.verbose))
    return _console.DONE if found.ok else _console.FAILED


def _screen(found: Attacked, *, verbose: bool) -> list[str]:
    counts = ", ".join(f"{found.count(outcome)} {outcome}" for outcome in OUTCOMES)
    lines = [f"{clean(found.engine)}: {amount(len(found.attempts), 'mutant')} of seed {found.seed}: {counts}"]
    for words, (first, count) in found.failures().items():
        lines += [f"failed {amount(count, 'time')}: {clean(words)}"]
        lines += [f"  {clean(line)}" for line in first.words.splitlines()[1:]]
        lines += [f"  repeat: lpbench check {found.engine} --attack --seed {found.seed} --mutant {first.number}"]
    if verbose:
        lines += [f"{each.number}: {each.outcome} {clean(each.words)}".rstrip() for each in found.attempts]
    return lines


def _document(found: Attacked) -> dict[str, Any]:
    return {
        "name": found.engine,
        "seed": found.seed,
        "ok": found.ok,
        "tried": len(found.attempts),
        **{outcome: found.count(outcome) for outcome in OUTCOMES},
        "seconds": found.seconds,
        "failures": [{**dataclasses.asdict(first), "count": count} for first, count in found.failures().values()],
    }
