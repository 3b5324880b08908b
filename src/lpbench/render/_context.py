"""What was measured, where, and what is missing: the lines around the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import SHOWN, either, setting
from lpbench.render._numbers import beside, digits
from lpbench.render._summary import not_told_apart, tail
from lpbench.render._units import metric_of, uncertainty, unit_for, value
from lpbench.results.comparison import UNCHECKED
from lpbench.results.model import INTERRUPTED, OK
from lpbench.results.names import names_of, percentile_metric, percentile_name
from lpbench.results.per_sample import Basis, result_basis
from lpbench.results.quality import found_by_metrics
from lpbench.results.ranking import can_win, rank
from lpbench.results.stages import TOTAL
from lpbench.results.turns import turn_metrics
from lpbench.util.text import abridge, amount, clean, first_line, paragraph, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.model import Configuration, Result
    from lpbench.results.run import Run

SEPARATOR = " · "
CHANNELS = (1, 3, 4)
IMAGE_RANK = 4
LISTED = 3
"""Samples that were left out are listed up to this many."""


def answer(each: Configuration, result: Result) -> str:
    """Return the one line that was asked for: latency with its interval, the tail, the throughput."""
    unit = unit_for([each])
    total = metric_of(each, TOTAL)
    certain = beside(uncertainty(total, unit, len(each.counted)))
    # "11.4 ms ± not known (2 runs)": the unit is the value's
    words = (
        (value(total, unit), certain, unit.name) if "known" not in certain else (value(total, unit), unit.name, certain)
    )
    latency = " ".join(filter(None, words))
    percentile, name = tail(each, unit, result), percentile_name(result.settings.tail)
    rate = each.metrics["THROUGHPUT"].value if "THROUGHPUT" in each.metrics else None
    parts = [f"latency {latency}", f"{name} {percentile}{f' {unit.name}' if percentile[0].isdigit() else ''}"]
    if rate is not None:
        parts.append(f"{digits(rate)} samples/s")
    return SEPARATOR.join([*parts, *quality(each)])


def quality(each: Configuration) -> list[str]:
    """Return what the metrics found, the leading one first; the gaps say why others have no value."""
    found = found_by_metrics(each)
    return [_quality(metric) for metric in (*found[:1], *_with_value(found[1:]))]


def _with_value(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in found if each.get("value") is not None]


def _quality(found: Mapping[str, Any]) -> str:
    """Return what a metric found, with its interval and whether it fails the app's gate, or why it has no value."""
    if found.get("value") is None:
        return f"{clean(found['metric'])}: {clean(found.get('reason', ''))}"
    ends = found.get("interval")
    between = f" ({digits(ends[0])} to {digits(ends[1])})" if ends else ""
    gate = found.get("gate") or {}
    fails = "" if gate.get("passes", True) else f", below the app's gate of {digits(gate['limit'])}"
    return f"{clean(found['metric'])} {digits(found['value'])}{clean(found.get('unit', ''))}{between}{fails}"


def header(result: Result, width: int) -> list[str]:
    """Return what was measured and on which machine."""
    measured = (each for each in result.configurations if each.measured)
    first = next(measured, next(iter(result.configurations), None))
    files = result.resolved.samples
    samples = amount(len(files), "sample") if files else "synthetic samples"
    app = [
        result.app.get("name"),
        result.app.get("class"),
        _tiles(result, first) if first else "",
        samples,
        *_in_common(result),
    ]
    return [shorten(line, width) for line in (_joined(app), untrained(result), machine(result.environment)) if line]


def untrained(result: Result) -> str:
    """Return that the answers of an app with random weights say nothing; empty for all others."""
    return "random weights: speed only, the answers carry no meaning" if result.app.get("untrained") is True else ""


def _tiles(result: Result, first: Configuration) -> str:
    """Return the model's input, of configurations with several tiles each once."""
    measured = [each for each in result.configurations if each.measured]
    asked = {(each.configuration.tile, str(dict(each.configuration.shapes))) for each in measured}
    every = measured if len(asked) > 1 else [first]
    return " and ".join(dict.fromkeys(map(tile, every)))


def _in_common(result: Result) -> list[str]:
    """Return what all configurations do alike where it is not usual: another variant, batches, streams."""
    measured = [each for each in result.configurations if each.measured] or result.configurations
    asked = [each.configuration for each in measured]
    known = {(each.variant, each.batch, each.streams) for each in asked}
    variants, batches, streams = ({each[at] for each in known} for at in range(3))
    words = ((variants, "variant {}", ""), (batches, "in batches of {}", 1), (streams, "{} streams", 1))
    return [word.format(*found) for found, word, usual in words if len(found) == 1 and found != {usual}]


def engine(each: Configuration, result: Result) -> str:
    """Return which engine ran, why it, on what, how often."""
    facts = each.facts
    asked = f" (requested as {each.asked})" if each.asked != each.engine else _default(result)
    threads = facts.get("threads")
    samples = sum(run.samples for run in each.counted)
    parts = [
        f"{clean(each.configuration.place)}{asked} {facts.get('version', '')}".strip(),
        _device(facts),
        amount(threads, "thread") if threads else "",
        facts.get("precision"),
        f"converted, {facts['converted']}" if isinstance(facts.get("converted"), str) else "",
        "unchecked" if each.unchecked else "",
        f"{amount(len(each.counted), 'run')}, {amount(samples, 'sample')} timed",
        "" if each.isolated else "in this process, not isolated",
    ]
    return _joined(parts)


def _default(result: Result) -> str:
    """Return that nobody named the engine, and which could be named instead."""
    if result.settings.engine:
        return ""
    others = ", ".join(result.resolved.also_ready)
    return f" (default; also ready: {others})" if others else " (default)"


def machine(environment: Mapping[str, Any]) -> str:
    """Return the machine's name, processor and system as far as they are known."""
    cores = known(environment, "cores") or known(environment, "logical_cores")
    virtual = known(environment, "virtualisation")
    parts = [
        known(environment, "platform") or known(environment, "hostname"),
        known(environment, "cpu_model") or known(environment, "cpu"),
        amount(cores, "core") if cores else "",
        known(environment, "os"),
        f"virtual machine ({virtual})" if virtual and virtual != "none" else "",
    ]
    return _joined(parts)


def known(environment: Mapping[str, Any], key: str) -> Any:
    """Return a fact of the environment, None where it is not known."""
    for part in environment.values():
        found = part.get(key) if isinstance(part, dict) else None
        if isinstance(found, dict) and found.get("value") is not None:
            return found["value"]
    return None


def tile(each: Configuration) -> str:
    """Return the model's input as width x height for images, else its dimensions."""
    shapes = [(info.get("shape") or (), info.get("layout", "")) for info in each.inputs]
    more = ["…"] if len(shapes) > LISTED else []
    return ", ".join([*(_tile(shape, layout) for shape, layout in shapes[:LISTED] if shape), *more])


def missing(result: Result) -> list[str]:
    """Return why something that a reader may look for is not there."""
    lines = [*not_told_apart(result), *_per_sample(result), *_apart(result), *doubts(result), *_no_verdicts(result)]
    return list(dict.fromkeys([*lines, *_unknown_precisions(result)]))


def _unknown_precisions(result: Result) -> list[str]:
    """Return why the executed precision of configurations is not known, as their sessions tell, each reason once."""
    names: dict[str, list[str]] = {}
    for name, each in zip(names_of(result.configurations), result.configurations, strict=True):
        reason = each.facts.get("precision_reason")
        if each.measured and reason and not each.facts.get("precision"):
            names.setdefault(clean(reason), []).append(name)
    if len(result.configurations) == 1:
        return [f"precision is not known: {reason}" for reason in names]
    return [f"precision of {', '.join(whose)} is not known: {reason}" for reason, whose in names.items()]


def _per_sample(result: Result) -> list[str]:
    """Return by what configurations with unequal batches or streams are ranked."""
    basis = result_basis(result)
    if basis is Basis.LATENCY:
        return []
    return [f"order and verdicts go by the time of one sample: {basis.value}; latencies are those of a batch"]


def doubts(result: Result) -> list[str]:
    """Return what is missing or doubtful about each configuration by itself, and about what was asked for."""
    lines = [f"{clean(note['name'])}: {clean(note['reason'])}" for note in result.resolved.notes]
    several = len(result.configurations) > 1
    for name, each in zip(names_of(result.configurations), result.configurations, strict=True):
        prefix = f"{name}: " if several else ""
        lines += [
            f"{prefix}{line}" for line in (*_gaps(each, result.settings.tail, several=several), *_fewer(each, result))
        ]
    return list(dict.fromkeys(lines))


def _apart(result: Result) -> list[str]:
    """Return that times and verdicts come from different seconds: results of before have no times of the turns."""
    if not rank(result).verdicts or turn_metrics(result.lockstep):
        return []
    return ["verdicts rest on turns, of which this result has no times: the times beside them are of each alone"]


def _no_verdicts(result: Result) -> list[str]:
    """Return why engines that were measured stand there without a verdict."""
    names = names_of(result.configurations)
    without = [names[index] for index in rank(result).without]
    if not without:
        return []
    if result.lockstep and not any(map(can_win, result.configurations)):
        return ["no verdicts: no configuration can win, as each is below the app's gate or runs an unchecked model"]
    which = f" on {', '.join(without)}" if result.lockstep else "s"
    return [
        f"no verdict{which}: {clean(result.lockstep_reason or 'they have no complete run in common with the others')}"
    ]


def _fewer(each: Configuration, result: Result) -> list[str]:
    """Return why there are fewer runs than planned."""
    planned, limit = result.resolved.runs, result.resolved.max_time_s
    if result.state != OK or not each.outcome.ok or len(each.runs) >= planned:
        return []
    return [f"{len(each.runs)} of {planned} runs: the time ran out ({setting('max_time', limit)})"]


def _gaps(each: Configuration, q: float, *, several: bool) -> list[str]:
    """Return what one configuration lacks.

    :param q: The percentile that is shown.
    """
    if not each.measured:
        return []
    told = each.outcome.ok or (each.state == INTERRUPTED and not several)  # which the screen says of the whole
    lines = [] if told else paragraph(each.state, SHOWN).split("\n")
    lines += [f"unchecked: {UNCHECKED}, so it wins nothing: {clean(each.unchecked)}"] if each.unchecked else []
    lines += [
        f"run {run.index + 1}: {_ended(run)}" for run in each.runs if run.outcome.kind not in {"ok", "interrupted"}
    ]
    total, last = metric_of(each, TOTAL), each.metrics.get(percentile_metric(q))
    if total is not None and total.interval is None and total.interval_reason:
        lines.append(f"no ±: {clean(total.interval_reason)}")
    if last is not None and last.value is None and not several:  # the summary has a column for it
        lines.append(f"no {percentile_name(q)}: {clean(last.reason)}")
    lines += [f"{clean(flag['name'])}: {clean(flag['reason'])}" for flag in each.flags]
    found = found_by_metrics(each)[0 if several else 1 :]  # of one configuration, the first line has the leading metric
    lines += [f"no {_quality(metric)}" for metric in found if metric.get("value") is None]
    return [*lines, *_left_out(each.problems)]


def _ended(run: Run) -> str:
    last = run.detail.strip().splitlines()[-1:]
    return ": ".join(clean(abridge(part, SHOWN)) for part in (run.state, *last))


def _left_out(problems: Sequence[Mapping[str, str]]) -> list[str]:
    errors = [(each["sample"], abridge(first_line(each["error"]), SHOWN)) for each in problems[:LISTED]]
    lines = [f"left out {clean(sample)}: {clean(error)}" for sample, error in errors]
    more = len(problems) - LISTED
    return [*lines, f"left out {more} more ({either('--json lists them', 'problems has them')})"] if more > 0 else lines


def _tile(shape: Sequence[Any], layout: str) -> str:
    order = layout or _guess(shape)
    if len(shape) == IMAGE_RANK and order in {"NCHW", "NHWC"}:
        return f"{shape[order.index('W')]}x{shape[order.index('H')]}"
    return "x".join("?" if size is None else str(size) for size in shape)


def _guess(shape: Sequence[Any]) -> str:
    if len(shape) != IMAGE_RANK:
        return ""
    if shape[1] in CHANNELS:
        return "NCHW"
    return "NHWC" if shape[3] in CHANNELS else ""


def _device(facts: Mapping[str, Any]) -> str:
    device, processor = str(facts.get("device", "")), str(facts.get("processor", ""))
    return processor if device.lower() == processor.lower() or not device else device


def _joined(parts: Sequence[object]) -> str:
    return SEPARATOR.join(clean(part) for part in parts if part)
