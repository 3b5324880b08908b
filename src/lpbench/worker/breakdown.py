"""Breaks the difference between the engine alone and the whole app down into measured parts that add up.

"My app is slower than your benchmark" usually has the same few causes: a benchmark feeds the same
input repeatedly, from hot caches.  Four loops run interleaved, each with one step more than the
one before; the contribution of a step is the difference of two medians, so the parts
add up to the app's own latency:

1. the engine alone with the same input every time, as engines' own benchmark tools do;
2. a new input every time: its bytes must come from memory;
3. the preprocessor runs before each inference and displaces data from the caches;
4. the postprocessor runs after each inference and displaces more: this is the app.
"""

from __future__ import annotations

import copy
import statistics
import time
from typing import TYPE_CHECKING, Any

from lpbench.results.stages import AFTER_POST, AFTER_PRE, ALONE, FRESH, PYTHON, STAGES, TOTAL, durations
from lpbench.worker.timed_loop import clock_reads, collector_off, time_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.plugin.engine import Session
    from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample

SLICE_S = 0.02
LEAST_SAMPLES = 3
ROUNDS = (4, 24)
INPUTS = 8
"""Distinct inputs of the second loop."""
NANO = 1_000_000_000


def explain(
    session: Session,
    pre: Preprocessor[Any],
    post: Postprocessor[Any],
    samples: Sequence[Sample],
    seconds: float,
) -> dict[str, float]:
    """Return the parts of a sample's time in nanoseconds; they add up to the wall time of a sample in the app.

    :param samples: Decoded samples, used cyclically.
    :param seconds: Approximate measuring time.
    """
    loops = _loops(session, pre, post, samples)
    expected = statistics.median(_totals(loops[-1](LEAST_SAMPLES)))
    count = max(LEAST_SAMPLES, int(SLICE_S * NANO / max(expected, 1)))
    least, most = ROUNDS
    rounds = max(least, min(most, int(seconds * NANO / max(expected, 1) / count / len(loops))))
    medians: list[list[Mapping[str, float]]] = [[] for _ in loops]
    for number in range(rounds):
        order = range(len(loops)) if number % 2 == 0 else range(len(loops) - 1, -1, -1)
        for index in order:
            medians[index].append(_slice(loops[index], count))
    return _parts(medians, _pre_parts(pre, samples))


def _parts(slices: Sequence[Sequence[Mapping[str, float]]], steps: Mapping[str, float]) -> dict[str, float]:
    """Return the time that each loop adds to the one before, the other stages, and the time between samples.

    :param slices: Medians by stage of each slice of each loop.
    :param steps: Times of the preprocessor's own steps.
    """

    def median(loop: int, stage: str) -> float:
        return statistics.median(medians[stage] for medians in slices[loop])

    inference = [median(loop, "inference") for loop in range(len(slices))]
    app = {stage: median(-1, stage) for stage in ("preprocessing", "postprocessing", "wall")}
    return {
        ALONE: inference[0],
        FRESH: inference[1] - inference[0],
        AFTER_PRE: inference[2] - inference[1],
        AFTER_POST: inference[3] - inference[2],
        **_shared("preprocessing", app["preprocessing"], steps),
        "postprocessing": app["postprocessing"],
        PYTHON: app["wall"] - inference[3] - app["preprocessing"] - app["postprocessing"],
    }


def _shared(stage: str, ns: float, steps: Mapping[str, float]) -> dict[str, float]:
    """Return a stage split in proportion to its own steps, which were timed one by one."""
    whole = sum(steps.values())
    if not whole:
        return {stage: ns}
    return {f"{stage}: {name}": ns * part / whole for name, part in steps.items()}


def _pre_parts(pre: Preprocessor[Any], samples: Sequence[Sample]) -> dict[str, float]:
    """Return the medians of the preprocessor's own steps; each sample is timed twice."""
    timings = [pre.steps(sample) for sample in samples for _ in range(2)]
    names = dict.fromkeys(name for steps in timings for name in steps)
    return {name: statistics.median(steps.get(name, 0) for steps in timings) for name in names}


def _loops(
    session: Session, pre: Preprocessor[Any], post: Postprocessor[Any], samples: Sequence[Sample]
) -> list[Callable[[int], tuple[Any, int]]]:
    """Return the four loops: each takes a number of samples and returns their clock reads and the total wall time."""
    inputs = [copy.deepcopy(dict(pre(samples[index % len(samples)]))) for index in range(INPUTS)]
    ready = [_fed(sample, feeds) for sample, feeds in zip(_round(samples, INPUTS), inputs, strict=True)]

    def loop(prepare: Callable[[Any], Any], predict: Callable[..., Any], over: Sequence[Any]) -> Any:
        def run(count: int) -> tuple[Any, int]:
            chosen = _round(over, count)
            reads = clock_reads(count)
            with collector_off():
                begun = time.perf_counter_ns()
                time_samples(prepare, session.run, predict, chosen, reads)
                return reads, time.perf_counter_ns() - begun

        return run

    return [
        loop(_given, _nothing, ready[:1]),
        loop(_given, _nothing, ready),
        loop(pre, _nothing, samples),
        loop(pre, post, samples),
    ]


def _slice(loop: Callable[[int], tuple[Any, int]], count: int) -> dict[str, float]:
    """Return the medians of a slice by stage, without its first sample, and the wall time of a sample.

    The clock reads inside a sample belong to its stages; the remaining time is the loop's own.
    """
    reads, wall = loop(count + 1)
    stages = durations(reads)
    medians = {stage: statistics.median(values[1:]) for stage, values in stages.items()}
    between = max(0.0, (wall - sum(stages[TOTAL])) / (count + 1))
    inside = sum(medians[stage] for stage in STAGES)
    return {**medians, "wall": inside + between}


def _totals(measured: tuple[Any, int]) -> list[int]:
    return list(durations(measured[0])[TOTAL])


def _round(items: Sequence[Any], count: int) -> list[Any]:
    return [items[index % len(items)] for index in range(count)]


def _fed(sample: Sample, feeds: Mapping[str, Any]) -> Sample:
    """Return a sample whose data are its finished feeds."""
    fed = type(sample)(sample.name, feeds)
    fed.geometry = sample.geometry
    return fed


def _given(sample: Sample) -> Any:
    return sample.data


def _nothing(outputs: Any, sample: Sample) -> None:
    """Predict nothing."""
