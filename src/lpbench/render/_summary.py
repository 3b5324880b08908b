"""Several engines beside each other, the fastest first: times of the turns they took, beside the verdicts on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import SHOWN
from lpbench.render._numbers import ABSENT, around, beside, digits, unknown
from lpbench.render._table import Column, blocks, fit, hanging, unstyled
from lpbench.render._units import Unit, metric_of, uncertainty, unit_for, value
from lpbench.results.metrics import MILLISECOND
from lpbench.results.names import name_of, names_of, percentile_metric, percentile_name
from lpbench.results.per_sample import sample_times
from lpbench.results.ranking import passes, rank
from lpbench.results.stages import STAGES, TOTAL
from lpbench.results.stats import FEWEST_RUNS
from lpbench.results.turns import turn_metrics
from lpbench.util.text import abridge, cells, clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result
    from lpbench.results.ranking import Ranking
    from lpbench.results.run import Metric
    from lpbench.results.verdicts import Comparison

SHORT = {"preprocessing": "pre", "inference": "infer", "postprocessing": "post"}
"""Words of the summary for the stages."""
STYLES = {"SLOWER": "bad", "FASTER": "good", "UNCLEAR": "warn", "best": "good", "FAIL": "bad", "UNCHECKED": "warn"}
BEST = "best"
UNLIMITED = 10_000
"""Width where lines are not wrapped."""
LEAST_REASON = 20
"""Columns that a reason has at least, however long the name beside it is."""
IN_TURNS, ALONE = "in turns", "alone"
"""Headings of times that stand beside verdicts, and of figures that only uninterrupted timing gives."""
EACH_ALONE = "each alone, in slices without interruption:"
"""Stands above the figures of single engines that follow the table of all."""
FIGURES, FACTS = range(1, 10), range(10, 16)
"""Where the columns of what was measured stand, and those of what it was measured of."""


def summary(result: Result, *, width: int, paint: Paint = unstyled) -> list[str]:
    """Return a row for each measured configuration, and the others under it with the reason.

    Where the rows do not fit, what was measured stands above what it was measured of.
    """
    columns, rows = summary_table(result)
    lines: list[str] = []
    if rows and (whole := fit(columns, rows, width)):
        lines = _block(whole, len(rows), paint)
    elif rows:
        for part in ((0, *FIGURES), (0, *FACTS)):
            picked = [columns[at] for at in part], [[row[at] for at in part] for row in rows]
            for block in blocks(*picked, width, names=width // 2):  # names tell the rows apart
                lines += [*([""] if lines else []), *_block(block, len(rows), paint)]
    return [*lines, *unmeasured(result.configurations, paint, width=width)]


def _block(lines: Sequence[str], rows: int, paint: Paint) -> list[str]:
    head, rest = lines[: len(lines) - rows], lines[len(lines) - rows :]
    return [*(paint(line, "dim") for line in head), *(_paint(line, paint) for line in rest)]


def summary_table(result: Result) -> tuple[list[Column], list[list[str]]]:
    """Return columns and rows, the fastest configuration first."""
    ranking, turns = rank(result), turn_metrics(result.lockstep)
    unit = unit_for([result.configurations[index] for index in ranking.order])
    names = names_of(result.configurations)
    samples = sample_times(result)
    rows = [
        [
            marked(names[index], result.configurations[index]),
            *_row(result, index, unit, turns.get(index), (samples.get(index), _beside(ranking, index))),
        ]
        for index in ranking.order
    ]
    return _columns(unit, result, ranking, in_turns=bool(turns)), rows


def marked(name: str, each: Configuration) -> str:
    """Return what a configuration is called, with a mark if it runs an unchecked model."""
    return f"{name} (unchecked)" if each.unchecked else name


def not_told_apart(result: Result) -> list[str]:
    """Return the configurations of which none is shown to be the fastest, and why where there are too few runs."""
    ranking = rank(result)
    known = names_of(result.configurations)
    names = [known[index] for index in ranking.tied]
    found = [ranking.verdicts[index] for index in ranking.tied if index in ranking.verdicts]
    why = next((f" ({each.reason})" for each in found if each.code == "too-few-runs"), "")
    return [f"not told apart: {', '.join(names)}{why}"] if names else []


def _beside(ranking: Ranking, index: int) -> str:
    """Return what stands beside a configuration: that it is the best, the verdict on it, or nothing."""
    if index == ranking.base:
        return BEST if index == ranking.best else "1"
    return _verdict(ranking.verdicts[index]) if index in ranking.verdicts else ""


def _verdict(found: Comparison) -> str:
    estimate, interval = found.ratio.estimate, found.ratio.interval
    if found.ratio.runs < FEWEST_RUNS or isinstance(interval, Unavailable):
        certain = unknown(found.ratio.runs)
    else:
        certain = around(estimate, interval.lower, interval.upper)
    return f"{found.verdict.value:7} {digits(estimate)} {beside(certain)}"


def _paint(line: str, paint: Paint) -> str:
    for word, style in STYLES.items():
        line = line.replace(f" {word} ", f" {paint(word, style)} ")
    return line


def unmeasured(
    configurations: Sequence[Configuration], paint: Paint = unstyled, *, width: int = UNLIMITED
) -> list[str]:
    """Return the configurations that have no number, each with the reason."""
    others = [each for each in configurations if not each.measured]
    if not others:
        return []
    known = zip(names_of(configurations), configurations, strict=True)
    names = [name for name, each in known if not each.measured]
    widest = min(max(map(cells, names)), width)
    return [
        paint("not measured", "dim"),
        *(
            line
            for name, each in zip(names, others, strict=True)
            for line in _with_reason(f"  {name}{' ' * max(0, widest - cells(name))}  ", each, width)
        ),
    ]


def _columns(unit: Unit, result: Result, ranking: Ranking, *, in_turns: bool) -> list[Column]:
    metric = next((each.quality["metric"] for each in result.configurations if each.quality), "")
    agreement = next((each.agreement for each in result.configurations if each.agreement), None)
    same = f"as {name_of(result.configurations[agreement['with']], result.configurations)}" if agreement else ""
    turns, alone = (IN_TURNS, ALONE) if in_turns else ("", "")
    return [
        Column("engine", left=True),
        Column(f"latency {unit.name}", group=turns),
        Column("", left=True, group=turns, whole=True),
        Column(f"{unit.name}/sample" if sample_times(result) else "", group=turns),
        *(Column(SHORT[stage], group=turns) for stage in STAGES),
        Column(_beside_what(result, ranking), left=True, group=turns, whole=True),
        Column(percentile_name(result.settings.tail), group=alone),
        Column("1/s", group=alone),
        Column("version", left=True),
        Column("device", left=True),
        Column("precision", left=True),
        Column("threads"),
        Column(clean(metric)),
        Column(clean(same)),
    ]


def _beside_what(result: Result, ranking: Ranking) -> str:
    """Return the title of the verdicts: what they are beside."""
    if ranking.base is None or ranking.best is not None:
        return "vs best" if result.lockstep else ""
    return f"vs {name_of(result.configurations[ranking.base], result.configurations)}"


def _row(
    result: Result,
    index: int,
    unit: Unit,
    turns: Mapping[str, Metric] | None,
    beside_others: tuple[float | None, str],
) -> list[str]:
    """Return the cells of a configuration after its name.

    :param turns: Its times by stage in the turns that it took; None shows those of its runs alone.
    :param beside_others: The milliseconds of a sample, where not all configurations have equal batches and streams, and
        the verdict.
    """
    each, (sample_ms, verdict) = result.configurations[index], beside_others
    total, *stages = (turns.get(stage) if turns else metric_of(each, stage) for stage in (TOTAL, *STAGES))
    facts, rate = each.facts, each.metrics.get("THROUGHPUT")
    return [
        value(total, unit),
        beside(uncertainty(total, unit, total.n if turns and total else len(each.counted))),
        "" if sample_ms is None else unit.show(sample_ms * MILLISECOND),
        *(value(stage, unit) for stage in stages),
        verdict,
        tail(each, unit, result),
        digits(rate.value) if rate and rate.value is not None else ABSENT,
        clean(facts.get("version", ABSENT)),
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


def tail(each: Configuration, unit: Unit, result: Result) -> str:
    """Return the percentile of the latency that was asked for, else the 99th, or why there is none."""
    metric = each.metrics.get(percentile_metric(result.settings.tail))
    if metric is None or metric.value is None:
        return "n too small" if metric and metric.code == "too-few-samples" else ABSENT
    return value(metric, unit)


def _with_reason(name: str, each: Configuration, width: int) -> list[str]:
    """Return a name and why it was not measured; further lines of the reason stand under the first."""
    room = max(width - cells(name), LEAST_REASON)
    lines = [line for text in _reason(each) for line in hanging(text, room, 0)]
    return [f"{name if not at else ' ' * cells(name)}{line}".rstrip() for at, line in enumerate(lines or [""])]


def _reason(each: Configuration) -> list[str]:
    """Return why it was not measured, line by line."""
    reason = each.outcome.detail if each.outcome.kind in {"failed", "unavailable"} else each.state
    detail = next((run.detail for run in each.runs if run.detail), "")
    lines = list(dict.fromkeys([*reason.splitlines(), *detail.strip().splitlines()[-1:]]))
    return [clean(abridge(line.strip(), SHOWN)) for line in lines]
