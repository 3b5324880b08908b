"""Verdicts as people read them and as programs do: the answer, how sure it is, what was paid for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.render import Column, _html, digits, hanging, narrow
from lpbench.render._differences import differences
from lpbench.render._loading import loads_beside
from lpbench.render._numbers import ABSENT
from lpbench.render._table import wrapped
from lpbench.results.comparison import INTERLEAVED, LOCKSTEP, machine_changes, subject_changes
from lpbench.results.metrics import MILLISECOND
from lpbench.results.pairing import unpaired
from lpbench.results.per_sample import Basis
from lpbench.results.stages import STAGES, TOTAL
from lpbench.util.text import amount, clean, shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.render._table import Paint
    from lpbench.results.comparison import Compared
    from lpbench.results.loading import Loads
    from lpbench.results.model import Result
    from lpbench.results.run import Metric
    from lpbench.results.verdicts import Comparison

NAMES = {"total": "total", "preprocessing": "  pre", "inference": "  infer", "postprocessing": "  post"}
METRICS = {"CPU_MEM_PEAK": "memory", "QUALITY_VALUE": "quality"}
STYLES = {"SLOWER": "bad", "FASTER": "good", "UNCLEAR": "warn", "SAME": "bold", "UNCHECKED": "warn"}
MARK = 5
"""Column of the mark, which may be cut on a narrow terminal."""
MOST = 0.5
"""A stage that makes up this share of the difference is most of it."""
SHORT_NS = 1e5
"""Below it times are shown in microseconds."""
ALONE = "alone, not in turns"
"""Beside figures that slices in turns do not give."""

Named = tuple[str, "Result"]
"""What a result was called on the command line, and the result."""


def saved_screen(first: Named, second: Named, each: Compared, *, width: int, paint: Paint) -> list[str]:
    """Return the lines of a comparison of two saved results."""
    engines = each.first if each.first == each.second else f"{each.first} → {each.second}"
    head = f"{clean(first[0])} → {clean(second[0])} · {clean(engines)}"
    notes = [*_changes(first[1], second[1]), *differences(each), *_basis(each, "")]
    return [paint(shorten(head, width), "dim"), *_table(each, width, paint), *_wrapped(notes, width, paint, "dim")]


def one_screen(each: Compared, *, width: int, paint: Paint) -> list[str]:
    """Return the lines of one comparison by itself."""
    head = paint(shorten(f"{clean(each.first)} → {clean(each.second)}", width), "bold")
    return [head, *_table(each, width, paint), *_wrapped(_basis(each, ""), width, paint, "dim")]


def one_html(each: Compared) -> list[str]:
    """Return the parts of one comparison in HTML."""
    columns, rows, notes = sheet(each)
    head = _html.heading(f"{each.first} → {each.second}")
    return [head, _html.grid(columns, rows, STYLES), *map(_html.paragraph, notes)]


def saved_notes(first: Named, second: Named) -> list[str]:
    """Return which two results are compared, and what differs between them."""
    return [f"{clean(first[0])} → {clean(second[0])}", *_changes(first[1], second[1])]


def verdict_line(each: Compared) -> str:
    """Return the verdict on the whole app with the ratio and its interval, without unprintable characters."""
    return " ".join(filter(None, _judged(each.total)))


def sheet(each: Compared) -> tuple[list[Column], list[list[str]], list[str]]:
    """Return the titled columns, the rows and the notes of one comparison."""
    rows = [*_rows(each), *_cycles(each), *_beside(each)]
    columns = [Column(title, left=True) for title in ("stage", "verdict", "ratio", "interval", "times", "")]
    return columns, rows, [*_remarks(each), *_workload(each), *differences(each), *_basis(each, "")]


def live_screen(result: Result, found: Sequence[Compared], *, width: int, paint: Paint) -> list[str]:
    """Return the lines of engines that were measured and compared just now."""
    from lpbench.render._context import doubts, header
    from lpbench.render._heat import heat_ranking
    from lpbench.render._summary import unmeasured

    lines = [paint(line, "dim") for line in header(result, width)]
    for each in found:
        lines += ["", paint(shorten(f"{clean(each.first)} → {clean(each.second)}", width), "bold")]
        notes = [*differences(each), *_basis(each, result.lockstep_reason)]
        lines += [*_table(each, width, paint), *_wrapped(notes, width, paint, "dim")]
    lines += [line for order in heat_ranking(result) for line in wrapped(order, width)]
    others = unmeasured(result.configurations, paint, width=width)
    doubtful = [paint(line, "warn") for doubt in doubts(result) for line in wrapped(doubt, width)]
    return [*lines, *others, *doubtful]


def saved_json(word: str, other: str, first: Result, second: Result, each: Compared) -> dict[str, Any]:
    """Return a comparison of two saved results for other programs, with what differs between them."""
    changes = {
        "workload": each.workload,
        "subject": subject_changes(first, second),
        "machine": machine_changes(first, second),
        "unpaired": {name: one.ended() for name, one in unpaired(first, second).items()},
    }
    return {"first": word, "second": other, **as_json(each), "changes": changes}


def as_json(each: Compared) -> dict[str, Any]:
    """Return one comparison for other programs; times in nanoseconds."""
    return {
        "engines": [each.first, each.second],
        "basis": each.basis,
        "basis_reason": each.raw_reason or None,
        "per_sample": each.per_sample,
        "stages": {**_stages_json(each.stages, each.medians), **_withheld_json(each)},
        "raw": _stages_json(each.raw, each.raw_medians),
        "cycles": _stages_json(each.cycles, each.raw_medians or each.medians),
        "cycles_reason": each.cycles_reason or None,
        "metrics": {name: [_metric_json(one) for one in pair] for name, pair in each.metrics.items()},
        "answers": {"alike": each.answers[0], "of": each.answers[1]} if each.answers else None,
        "loads": [_load_json(loads) for loads in each.loads],
        "software": each.software,
        "apps": each.apps,
    }


def _load_json(loads: Loads) -> dict[str, Any] | None:
    """Return the loads of each kind; null where the engine does not say how it was opened."""
    known = {"built_ns": loads.built_ns, "from_cache_ns": loads.cached_ns, "build_s": loads.build_s}
    return known if loads.kind else None


def _stages_json(stages: Mapping[str, Comparison], medians: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    return {stage: _comparison_json(found, *medians[stage]) for stage, found in stages.items()}


def _withheld_json(each: Compared) -> dict[str, Any]:
    """Return the stages that have times and no verdict."""
    return {
        stage: {"verdict": None, "reason": why.reason, "code": why.code, "median_ns": list(each.medians[stage])}
        for stage, why in each.withheld.items()
    }


def _comparison_json(found: Comparison, before: float, after: float) -> dict[str, Any]:
    interval = None if isinstance(found.ratio.interval, Unavailable) else found.ratio.interval
    return {
        "verdict": found.verdict.value,
        "reason": found.reason,
        "code": found.code or None,
        "ratio": found.ratio.estimate,
        "interval": [interval.lower, interval.upper] if interval else None,
        "confidence": interval.confidence if interval else None,
        "method": interval.method if interval else None,
        "runs": found.ratio.runs,
        "margin": found.margin,
        "median_ns": [before, after],
    }


def _metric_json(metric: Metric | None) -> dict[str, Any]:
    if metric is None or metric.value is None:
        return {"value": None, "reason": metric.reason if metric else "not measured"}
    return {"value": metric.value, "unit": metric.unit}


def _table(each: Compared, width: int, paint: Paint) -> list[str]:
    """Return a row for each stage: verdict, ratio with its interval, and the two times; and what is not a time."""
    rows = [*_rows(each), *_cycles(each), *_beside(each)]
    columns = [Column(title, left=True, whole=at < MARK) for at, title in enumerate(("stage", "", "ratio", "", "", ""))]
    lines = narrow(columns, rows, width)[1:]
    painted = [_paint(line, row[1], paint) for line, row in zip(lines, rows, strict=True)]
    remarks = [line for remark in _remarks(each) for line in hanging(remark, width, 0)]
    return [*painted, *remarks, *_wrapped(_workload(each), width, paint, "warn")]


def _remarks(each: Compared) -> list[str]:
    """Return why the verdict proves nothing, why stages have none (one reason holds for all), and the loads."""
    verdict = each.total.verdict.value
    unclear = [f"{verdict.lower()}: {clean(each.total.reason)}"] if verdict in {"UNCLEAR", "UNCHECKED"} else []
    names = ", ".join(NAMES[stage].strip() for stage in each.withheld)
    why = next(iter(each.withheld.values()), None)
    return [*unclear, *([f"no verdict on {names}: {why.reason}"] if why else []), *loads_beside(each.loads)]


def _workload(each: Compared) -> Iterator[str]:
    """Yield what the two were asked to do where it differs, and what that means for the verdict."""
    changes = [f"{clean(name)} {_value(before)} → {_value(after)}" for name, (before, after) in each.workload.items()]
    if not changes:
        return
    sample = f"times of one sample, {Basis.SLICE.value if 'streams' in each.workload else Basis.BATCH.value}"
    only = set(each.workload) <= {"batch", "streams"}
    yield f"{sample if only else 'not the same work'}: {'; '.join(changes)}"
    if each.per_sample and not only:
        yield sample


def _rows(each: Compared) -> Iterator[list[str]]:
    for stage in (TOTAL, *STAGES):
        if stage not in each.stages and stage not in each.withheld:
            continue
        judged = _judged(each.stages[stage]) if stage in each.stages else ("", ABSENT, "")
        yield [NAMES[stage], *judged, _times(each.medians, stage), _share(each, stage)]


def _times(medians: Mapping[str, tuple[float, float]], stage: str) -> str:
    """Return both times of a stage in the unit of all stages."""
    unit, ns = ("µs", 1e3) if medians[TOTAL][0] < SHORT_NS else ("ms", MILLISECOND)
    before, after = (digits(value / ns) for value in medians[stage])
    return f"{before} → {after} {unit}"


def _cycles(each: Compared) -> Iterator[list[str]]:
    """Yield the row of the whole app in processor cycles, where they are known."""
    if TOTAL in each.cycles:
        yield ["cycles", *_judged(each.cycles[TOTAL]), "", ""]


def _beside(each: Compared) -> Iterator[list[str]]:
    """Yield what is not a stage: percentiles that were asked for, memory, quality, answers."""
    for name, (one, other) in each.metrics.items():
        unit = next((metric.unit for metric in (one, other) if metric), "")
        known = [metric.value for metric in (one, other) if metric and metric.value is not None]
        ratio = digits(known[1] / known[0]) if len(known) > 1 and known[0] > 0 and name != "QUALITY_VALUE" else ""
        before, after = (digits(metric.value if metric else None) for metric in (one, other))
        yield [
            METRICS.get(name) or name.removeprefix("LATENCY_").lower(),
            "",
            ratio,
            "",
            f"{before} → {after} {clean(unit)}",
            ALONE if name.startswith("LATENCY_") and each.basis == LOCKSTEP else "",
        ]
    if each.answers:
        yield ["answers", "", "", "", f"{each.answers[0]} of {each.answers[1]} alike", ""]


def _judged(found: Comparison) -> tuple[str, str, str]:
    interval = found.ratio.interval
    span = "" if isinstance(interval, Unavailable) else f"({_ratio(interval.lower)} to {_ratio(interval.upper)})"
    return found.verdict.value, _ratio(found.ratio.estimate), span


def _share(each: Compared, stage: str) -> str:
    """Return a mark at the stage that makes up most of a clear difference."""
    if stage == TOTAL or each.total.verdict.value not in {"FASTER", "SLOWER"}:
        return ""
    before, after = each.medians[TOTAL]
    start, end = each.medians[stage]
    return "← most of it" if after != before and (end - start) / (after - before) > MOST else ""


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _changes(first: Result, second: Result) -> Iterator[str]:
    """Yield what has no verdict, and what differs between two results and may explain one."""
    for name, one in unpaired(first, second).items():
        yield f"no verdict on {clean(name)}: {' → '.join(one.ended())}"
    for name, (before, after) in subject_changes(first, second).items():
        yield "the apps differ" if name == "app" else f"{clean(name)}: {_value(before)} → {_value(after)}"
    for name, (before, after) in machine_changes(first, second).items():
        yield f"another machine: {clean(name)}: {_value(before)} → {_value(after)}"


def _value(value: object) -> str:
    return "unknown" if value is None else clean(value)


def _basis(each: Compared, apart: str) -> Iterator[str]:
    """Yield what the verdicts rest on.

    :param apart: Why configurations that were measured together did not take turns.
    """
    runs = each.total.ratio.runs
    if each.basis == LOCKSTEP:
        yield f"ratios of slices measured in turns on the same cores, {amount(runs, 'run')}"
        return
    if each.basis == INTERLEAVED:
        yield f"{amount(runs, 'alternating run')} instead of turns: {clean(apart or 'one of their runs failed')}"
    if each.raw_reason:
        yield f"raw times, which also change when the machine drifts; no yardstick units: {clean(each.raw_reason)}"
    else:
        raw = _ratio(each.raw[TOTAL].ratio.estimate)
        yield (
            "ratios of yardstick units, which cancel a drifting machine; times at the speed it had for the first; "
            f"raw total {raw}, {_times(each.raw_medians, TOTAL)}"
        )
    if each.cycles_reason:
        yield f"no cycles: {clean(each.cycles_reason)}"


def _wrapped(notes: Iterator[str] | Sequence[str], width: int, paint: Paint, style: str) -> list[str]:
    return [paint(line, style) for note in notes for line in wrapped(note, width)]


def _paint(line: str, verdict: str, paint: Paint) -> str:
    return line.replace(verdict, paint(verdict, STYLES[verdict]), 1) if verdict else line
