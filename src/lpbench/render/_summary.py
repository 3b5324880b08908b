"""Several engines beside each other, the fastest first."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT, digits, spread
from lpbench.render._table import Column, fit, table, unstyled
from lpbench.render._units import Unit, half, metric_of, unit_for, value
from lpbench.results.names import name_of
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.verdicts import verdict
from lpbench.util.text import cells, clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result
    from lpbench.results.verdicts import Comparison

SHORT = {"preprocessing": "pre", "inference": "infer", "postprocessing": "post"}
"""Words of the summary for the stages."""
STYLES = {"SLOWER": "bad", "FASTER": "good", "UNCLEAR": "warn", "best": "good", "FAIL": "bad"}
BEST = "best"
FIGURES, FACTS = range(1, 9), range(9, 15)
"""Where the columns of what was measured stand, and those of what it was measured of."""


def summary(result: Result, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return a row for each measured configuration, and the others under it with the reason.

    Where the rows do not fit, what was measured stands above what it was measured of.
    """
    columns, rows = summary_table(result)
    lines: list[str] = []
    if rows and (whole := fit(columns, rows, width)):
        lines = _block(whole, paint)
    elif rows:
        for part in ((0, *FIGURES), (0, *FACTS)):
            picked = [columns[at] for at in part], [[row[at] for at in part] for row in rows]
            lines += [*([""] if lines else []), *_block(fit(*picked, width) or table(*picked, gap=1), paint)]
    return [*lines, *unmeasured(result.configurations, paint)]


def _block(lines: Sequence[str], paint: Paint) -> list[str]:
    header, *rest = lines
    return [paint(header, "dim"), *(_paint(line, paint) for line in rest)]


def summary_table(result: Result) -> tuple[list[Column], list[list[str]]]:
    """Return columns and rows, the fastest configuration first."""
    measured = sorted((each for each in result.configurations if each.measured), key=_latency)
    unit = unit_for(measured)
    beside = verdicts_of(result)
    rows = [_row(name_of(each, result.configurations), each, unit, beside.get(id(each), "")) for each in measured]
    return _columns(unit, result), rows


def verdicts_of(result: Result) -> dict[int, str]:
    """Return the verdict on each configuration against the best of those that took turns, by its ``id``.

    The best is the one with the lowest ratio whose quality passes the app's gate; its ratios to the reference
    divide those of the others, run by run.
    """
    every = ratios_of(result)
    able = [index for index in every if passes(result.configurations[index])]
    if not able:
        return {}
    best = min(able, key=lambda index: statistics.geometric_mean(every[index]))
    found = {id(result.configurations[best]): BEST}
    for index, ratios in every.items():
        if index != best and len(ratios) == len(every[best]):
            pairs = zip(ratios, every[best], strict=True)
            found[id(result.configurations[index])] = _verdict(verdict([one / other for one, other in pairs]))
    return found


def ratios_of(result: Result) -> dict[int, tuple[float, ...]]:
    """Return the lockstep ratios to the reference by the index of the configuration, the reference's own included."""
    found = {pair.second: pair.ratios[TOTAL] for pair in result.lockstep if pair.ratios.get(TOTAL)}
    most = max(map(len, found.values()), default=0)
    return {result.lockstep[0].first: (1.0,) * most, **found} if found else {}


def passes(each: Configuration) -> bool:
    """Say whether a configuration's quality keeps it in the ranking: what is below the app's gate cannot win."""
    return bool(each.quality.get("gate", {}).get("passes", True))


def _verdict(found: Comparison) -> str:
    estimate, interval = found.ratio.estimate, found.ratio.interval
    if isinstance(interval, Unavailable):
        return f"{found.verdict.value} {digits(estimate)}"
    farther = max(interval.upper - estimate, estimate - interval.lower)
    return f"{found.verdict.value:7} {digits(estimate)} {spread(estimate, farther)}"


def _paint(line: str, paint: Paint) -> str:
    for word, style in STYLES.items():
        line = line.replace(f" {word} ", f" {paint(word, style)} ")
    return line


def unmeasured(configurations: Sequence[Configuration], paint: Paint = unstyled) -> list[str]:
    """Return the configurations that have no number, each with the reason."""
    others = [each for each in configurations if not each.measured]
    if not others:
        return []
    names = [name_of(each, configurations) for each in others]
    widest = max(map(cells, names))
    return [
        paint("not measured", "dim"),
        *(
            f"  {name}{' ' * (widest - cells(name))}  {_reason(each, widest + 4)}"
            for name, each in zip(names, others, strict=True)
        ),
    ]


def _columns(unit: Unit, result: Result) -> list[Column]:
    metric = next((each.quality["metric"] for each in result.configurations if each.quality), "")
    agreement = next((each.agreement for each in result.configurations if each.agreement), None)
    same = f"as {name_of(result.configurations[agreement['with']], result.configurations)}" if agreement else ""
    return [
        Column("engine", left=True),
        Column(f"latency {unit.name}"),
        Column("", left=True),
        Column("p99"),
        *(Column(SHORT[stage]) for stage in STAGES),
        Column("1/s"),
        Column("vs best" if result.lockstep else "", left=True),
        Column("version", left=True),
        Column("device", left=True),
        Column("precision", left=True),
        Column("threads"),
        Column(clean(metric)),
        Column(clean(same)),
    ]


def _row(name: str, each: Configuration, unit: Unit, beside: str) -> list[str]:
    total, facts = metric_of(each, TOTAL), each.facts
    rate = each.metrics.get("THROUGHPUT")
    return [
        name,
        value(total, unit),
        half(total, unit),
        p99(each, unit),
        *(value(metric_of(each, stage), unit) for stage in STAGES),
        digits(rate.value) if rate and rate.value is not None else ABSENT,
        beside,
        clean(str(facts.get("version", ABSENT)).partition("+")[0]),
        clean(facts.get("device", facts.get("processor", ABSENT))),
        clean(facts.get("precision", ABSENT)),
        clean(facts.get("threads", ABSENT)),
        _quality(each),
        _agreement(each),
    ]


def _quality(each: Configuration) -> str:
    """Return the quality, marked where it fails the app's gate."""
    found = each.quality
    if not found:
        return ""
    if found.get("value") is None:
        return ABSENT
    return f"{digits(found['value'])}{found.get('unit', '')}{'' if passes(each) else ' FAIL'}"


def _agreement(each: Configuration) -> str:
    """Return how many samples got the reference's answer."""
    found = each.agreement
    return f"{found['same']}/{found['samples']}" if found else ""


def p99(each: Configuration, unit: Unit) -> str:
    """Return the 99th percentile of the latency, or why there is none."""
    metric = each.metrics.get("LATENCY_P99")
    if metric is None or metric.value is None:
        return "n too small" if metric and metric.reason.startswith("n too small") else ABSENT
    return value(metric, unit)


def _latency(each: Configuration) -> float:
    known = each.latency.value
    return math.inf if known is None else known


def _reason(each: Configuration, indent: int) -> str:
    """Return why it was not measured; an error's further lines stand under the first."""
    reason = each.state.removeprefix("failed: ").removeprefix(f'engine "{each.engine}" is not ready: ')
    detail = next((run.detail for run in each.runs if run.detail), "")
    lines = list(dict.fromkeys([*reason.splitlines(), *detail.strip().splitlines()[-1:]]))
    return ("\n" + " " * indent).join(clean(line.strip()) for line in lines)
