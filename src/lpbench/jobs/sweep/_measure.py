"""Measures one block of a sweep: its configurations in turns with the reference, as ``lpbench run`` does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.jobs.measuring import session
from lpbench.jobs.sweep._queue import Outcome
from lpbench.jobs.sweep._words import same
from lpbench.results.metrics import MILLISECOND
from lpbench.results.model import INTERRUPTED
from lpbench.results.per_sample import Basis, sample_ms
from lpbench.results.predictions import count_matching_answers
from lpbench.results.ranking import passes
from lpbench.results.run import Metric
from lpbench.results.stages import SAMPLE, TOTAL
from lpbench.results.sweep import AGREEMENT, BARRED, DISTURBED, FAILED, MEASURED, Found
from lpbench.results.sweep_metrics import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.app.model import App
    from lpbench.jobs.measuring.progress import Progress
    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.jobs.sweep._queue import Entry
    from lpbench.results.model import Configuration, Result

FACTS = {"PROCESSOR": "processor", "PRECISION": "precision", "DEVICE": "device", "THREADS": "threads"}
FACTS |= {"ENGINE_VERSION": "version"}
"""Facts of a session by the names of columns."""
IMAGE_RANK = 4
CHANNELS = frozenset({1, 3, 4})


@dataclass(frozen=True)
class Measured:
    """What measuring some configurations gave.

    :param outcomes: Of each, in their order.
    :param reference: What the reference took in the meantime.
    :param results: The results that they are from.
    """

    outcomes: tuple[Outcome, ...]
    reference: Level = field(default_factory=Level)
    results: tuple[Result, ...] = ()


def measure(
    app: App, reference: str, entries: Sequence[Entry], plan: SweepPlan, progress: Callable[[Progress], None] | None
) -> Measured:
    """Measure configurations in turns with the reference.

    Where one of them has an error that ends the others with it, each is measured by itself.

    :raises KeyboardInterrupt: Ctrl-C; nothing of it counts.
    """
    others = [entry for entry in entries if not same(entry.words, reference)]
    engines = [reference, *(entry.words for entry in others)]
    try:
        result = session.measure(app, plan.settings(engines, len(engines)), progress=progress)
    except LpbenchError as error:
        if len(entries) == 1:
            return Measured((Outcome(FAILED, _in_a_line(str(error))),))
        parts = [measure(app, reference, [entry], plan, progress) for entry in entries]
        return _joined(parts)
    if result.state == INTERRUPTED:
        raise KeyboardInterrupt
    at = {entry.number: index for index, entry in enumerate(others, 1)}
    outcomes = tuple(_outcome(result, at.get(entry.number, 0), entry) for entry in entries)
    return Measured(outcomes, level(result), (result,))


def _joined(parts: Sequence[Measured]) -> Measured:
    return Measured(
        tuple(outcome for part in parts for outcome in part.outcomes),
        Level(
            tuple(ns for part in parts for ns in part.reference.latency_ns),
            tuple(ns for part in parts for ns in part.reference.sample_ns),
            next((part.reference.failed for part in parts if part.reference.failed), ""),
        ),
        tuple(result for part in parts for result in part.results),
    )


def level(result: Result) -> Level:
    """Return the times of the first configuration, one for each run, from the slices of turns.

    Where it took turns with nothing but the yardstick, those of the runs; empty where it was not measured.
    """
    reference = result.configurations[0]
    pairs = [pair.first_ns for pair in result.lockstep if pair.first == 0]
    latency, sample = (max((each.get(stage, ()) for each in pairs), key=len, default=()) for stage in (TOTAL, SAMPLE))
    each_ns = sample_ms(reference, Basis.SLICE) * MILLISECOND
    if not reference.measured:
        return Level(failed=_in_a_line(reference.state))
    return Level(latency or tuple(reference.run_medians()), sample or ((each_ns,) if math.isfinite(each_ns) else ()))


def _outcome(result: Result, index: int, entry: Entry) -> Outcome:
    each = result.configurations[index]
    if not each.measured:
        return Outcome(FAILED, _in_a_line(each.state.removeprefix(f"{FAILED}: ")))
    found = Found(
        facts=_facts(result, each, entry),
        metrics={**each.metrics, **_agreement(result, index)},
        ratios=_ratios(result, index, TOTAL),
        sample_ratios=_ratios(result, index, SAMPLE),
        units=tuple(each.run_units()),
    )
    return Outcome(MEASURED, "" if each.outcome.ok else each.state, found)


def _in_a_line(text: str) -> str:
    """Return a reason of several lines as one, as tables have it."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def _ratios(result: Result, index: int, stage: str) -> tuple[float, ...]:
    """Return a configuration's time over the reference's, one for each run; that of the reference itself is 1."""
    if index == 0:
        return (1.0,) * len(result.configurations[0].counted)
    pairs = [pair for pair in result.lockstep if (pair.first, pair.second) == (0, index)]
    return tuple(pairs[0].ratios.get(stage, ())) if pairs else ()


def _facts(result: Result, each: Configuration, entry: Entry) -> dict[str, str | int]:
    configuration = each.configuration
    known = {column: each.facts.get(fact) for column, fact in FACTS.items()}
    known |= {"MODEL": result.app.get("name"), "ENGINE": each.engine}
    known |= {"INPUT_TILE": input_tile(each.inputs), "BATCH": configuration.batch, "STREAMS": configuration.streams}
    known |= {"QUALITY_METRIC": each.quality.get("metric"), "THREADS": known["THREADS"] or entry.asked.threads}
    known |= {BARRED: _barred(each), DISTURBED: _disturbed(each)}
    present = {name: value for name, value in known.items() if value not in {None, ""}}
    return {name: value if type(value) is int else str(value) for name, value in present.items()}


def _barred(each: Configuration) -> str:
    """Return why a configuration cannot be the best one; empty where it can."""
    return each.unchecked or ("" if passes(each) else "misses the quality gate")


def _disturbed(each: Configuration) -> str:
    """Return what other processes did while a configuration was measured; empty where they did little."""
    return next((flag["reason"] for flag in each.flags if flag["name"] == "disturbed"), "")


def _agreement(result: Result, index: int) -> dict[str, Metric]:
    """Return how many of the answers are those of the reference."""
    reference, each = result.configurations[0], result.configurations[index]
    agreed = count_matching_answers(reference.predictions, each.predictions)
    if not agreed.samples:
        return {AGREEMENT: Metric(None, "%", reason="their answers cannot be compared", code="not-comparable")}
    share = 100 * agreed.same / agreed.samples
    return {AGREEMENT: Metric(share, "%", agreed.samples, source=f"answers that are those of {reference.engine}")}


def input_tile(inputs: Sequence[Any]) -> str:
    """Return the first input as width x height for an image, else its dimensions without the batch."""
    if not inputs:
        return ""
    shape, layout = list(inputs[0].get("shape") or ()), inputs[0].get("layout", "")
    if len(shape) == IMAGE_RANK:
        planar = layout == "NCHW" or (not layout and shape[1] in CHANNELS)
        height, width = shape[2:] if planar else shape[1:3]
        return f"{width}x{height}"
    return "x".join(map(str, shape[1:]))
