"""Predictions and readings in the form of the published analyzer (D6.2, figure 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.render import WIDTH
from lpbench.render._answers import LISTS, answer, later_of, plain_text
from lpbench.render._context import untrained
from lpbench.render._numbers import digits
from lpbench.render._table import Column, hanging, narrow, unstyled
from lpbench.results.names import names_of
from lpbench.results.predictions import same_answer
from lpbench.util.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Metric

PUBLISHED = {
    "CPU_LOAD": "CPU_LOAD",
    "CPU_MEMORY": "CPU_MEM",
    "CPU_MEMORY_PEAK": "CPU_MEM_PEAK",
    "CPU_TEMPERATURE": "CPU_TEMP",
    "GPU_LOAD": "GPU_LOAD",
    "GPU_MEMORY": "GPU_MEM",
    "GPU_MEMORY_PEAK": "GPU_MEM_PEAK",
    "GPU_TEMPERATURE": "GPU_TEMP",
    "NPU_LOAD": "NPU_LOAD",
    "MEMORY_BW": "MEMORY_BANDWIDTH",
    "MEMORY_BW_PEAK": "MEMORY_BANDWIDTH_PEAK",
    "POWER": "POWER_CONSUMPTION",
}
"""The console's keys, in its order, and the glossary's names."""


def predictions(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a block of lines for each sample: its name, then what was found in it."""
    return [line for each in found for line in prediction(each)]


def prediction(each: Mapping[str, Any]) -> list[str]:
    """Return one sample's block; in a chain, what later components found stands under it, set in."""
    later = [
        f"  {clean(name)} {line}" if line == lines[0] else f"  {line}"
        for name, found in later_of(each).items()
        for lines in (prediction({"sample": one["item"], **one}) for one in found)
        for line in lines
    ]
    apart = {"item", *later_of(each)}
    return [*_block({key: value for key, value in each.items() if key not in apart}), *later]


def _block(each: Mapping[str, Any]) -> list[str]:
    head = clean(each.get("sample", ""))
    for key in (*LISTS, "items"):
        if isinstance(each.get(key), list):
            count = "" if key == "top" else f": Number of objects found: {len(each[key])}"
            return [f"{head}{count}", *map(_candidate, each[key])]
    if "label" in each:
        return [head, _candidate(each)]
    outputs = each.get("outputs")
    rest = outputs if isinstance(outputs, dict) else {key: value for key, value in each.items() if key != "sample"}
    return [head, *(f"  {clean(name)}: {plain_text(value)}" for name, value in rest.items())]


def readings(metrics: Mapping[str, Metric]) -> tuple[list[str], list[str]]:
    """Return the analyzer's two lists, and why values are missing.  What is not known is null, never 0."""
    found = {key: metrics.get(name) for key, name in PUBLISHED.items()}
    values = {key: metric.value if metric else None for key, metric in found.items()}
    shown = [f"'{'null' if value is None else digits(value, 6)}'" for value in values.values()]
    reasons: dict[str, list[str]] = {}
    for key, value in values.items():
        if value is None:
            metric = found[key]
            reasons.setdefault(metric.reason if metric and metric.reason else "not measured", []).append(key)
    lists = [f"[ {', '.join(map(repr, PUBLISHED))} ]", f"[ {', '.join(shown)} ]"]
    return lists, [f"null: {', '.join(keys)}: {clean(reason)}" for reason, keys in reasons.items()]


def state(each: Configuration) -> str:
    """Return the analyzer's last list: OK, or what went wrong."""
    said = clean(first_line(each.state))
    return f"[ 'BENCHMARK_STATE', {said!r} ]"


def _candidate(each: Any) -> str:
    if not isinstance(each, dict):
        return f"  {plain_text(each)}"
    name = each.get("label", each.get("class", each.get("index", "")))
    score = each.get("score")
    rest = {key: value for key, value in each.items() if key not in {"label", "class", "index", "score", "sample"}}
    shown = f" ( {clean(score)} )" if score is not None else ""
    return f"  class: {clean(name)}{shown}{f' {plain_text(rest)}' if rest else ''}"


def answers(result: Result, paint: Paint = unstyled, *, width: int = WIDTH) -> list[str]:
    """Return the best answer for each sample, and where engines answer otherwise than the first."""
    named = zip(names_of(result.configurations), result.configurations, strict=True)
    found = [(name, each) for name, each in named if each.predictions]
    if not found:
        return ["no predictions"]
    (_, first), *others = found
    best = {clean(each.get("sample", "")): answer(each) for each in first.predictions}
    reference = {each.get("sample"): each for each in first.predictions}
    columns = [Column("sample", left=True), Column("best answer", left=True), Column("score")]
    header, *lines = narrow(columns, [[name, *answer] for name, answer in best.items()], width)
    warning = untrained(result)
    return [
        *([paint(warning, "warn")] if warning else []),
        paint(header, "dim"),
        *lines,
        *(
            line
            for name, each in others
            for said in _otherwise(name, each, reference)
            for line in hanging(said, width, 0)
        ),
    ]


def _otherwise(name: str, each: Configuration, reference: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    """Return a line for each sample that an engine answers otherwise than the first."""
    known = [one for one in each.predictions if one.get("sample") in reference]
    differing = [one for one in known if same_answer(reference[one["sample"]], one) is False]
    return [f"{name} answers differently: {clean(one['sample'])}  {' '.join(answer(one))}" for one in differing]
