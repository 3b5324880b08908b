"""The share of a machine's roof that inference reaches: in total, by kind of layer, and layer by layer.

By the roofline model the least time of work is ``max(operations / peak, bytes / bandwidth)``, whichever is longer being
its bound; the share is the least time over the time that was measured.  With operations that is the achieved rate over
``min(peak, intensity * bandwidth)``; work without operations, such as a concatenation, has a share all the same.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.jobs.roofline._match import match
from lpbench.jobs.roofline._values import RooflineShares, RoofShare, Work
from lpbench.machine.roofline import PRECISION
from lpbench.results.metrics import MILLISECOND, SECOND
from lpbench.util.shown import several
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench.jobs.roofline._match import Matching
    from lpbench.machine.roofline import ThreadRoof
    from lpbench.plugin.analyzer import Analysis, LayerCost
    from lpbench.results.model import Configuration
    from lpbench.results.profile import LayerProfile

COMPUTE, MEMORY = "compute", "memory"
CPU = "CPU"
ABOVE = 1.005
"""Shares above this are said to be above 1: no rounding makes them so."""


def shares(
    configuration: Configuration, analysis: Analysis, roof: ThreadRoof, label: str = ""
) -> RooflineShares | Unavailable:
    """Return how near a configuration came to a roof, or why that cannot be said.

    :param analysis: Of the model that it ran; batches of another size than that of its inputs are several inferences.
    :param roof: Of as many threads as computed.
    """
    factor = _inferences(configuration, analysis)
    if isinstance(factor, Unavailable):
        return factor
    total = _total(configuration, analysis, factor, roof)
    found = RooflineShares(label, roof, total, profile=_no_profile(configuration))
    if found.profile is None:
        (profile,) = configuration.profile
        found = _with_layers(found, profile, analysis.layers, factor)
    return _noted(found, configuration, analysis)


def share_of(name: str, work: Work, ns: float, roof: ThreadRoof, span: tuple[float, float] | None = None) -> RoofShare:
    """Return how near some work came to a roof.

    :param span: Ends of the interval of its time, nanoseconds.
    """
    if work.bytes_moved is None:
        return RoofShare(name, work, ns, None, "")
    computing, moving = work.flop / roof.product.best, work.bytes_moved / roof.bandwidth.best
    least = max(computing, moving)
    interval = (least / span[1], least / span[0]) if span and span[0] > 0 else None
    return RoofShare(name, work, ns, least, COMPUTE if computing >= moving else MEMORY, interval)


def work_of(layers: Iterable[LayerCost], *, fused: bool = False) -> Work:
    """Return the work of some layers, in order of execution.

    :param fused: They are one kernel: what lies between them is not moved.
    """
    some = list(layers)
    moved = [layer.bytes_moved for layer in some]
    if fused and len(some) > 1:
        moved = [some[0].read_bytes, some[-1].written_bytes, *(layer.weight_bytes for layer in some)]
    known = None if None in moved else sum(filter(None, moved))
    return Work(sum(layer.flop or 0 for layer in some), known, len(some))


def _total(configuration: Configuration, analysis: Analysis, factor: int, roof: ThreadRoof) -> RoofShare | Unavailable:
    asked = configuration.configuration
    metric = configuration.metrics.get("INFERENCE_TIME" if asked.streams == 1 else "THROUGHPUT")
    if metric is None or not metric.value:
        return Unavailable(f"its inference has no time: {metric.reason if metric else configuration.state}")
    ends = (metric.interval.lower, metric.interval.upper) if metric.interval else None
    if asked.streams == 1:
        ns, span = metric.value * MILLISECOND, _each(ends, MILLISECOND)
    else:
        whole = asked.batch * SECOND
        ns, span = whole / metric.value, (whole / ends[1], whole / ends[0]) if ends and ends[0] > 0 else None
    return share_of("", work_of(analysis.layers).times(factor), ns, roof, span)


def _each(ends: tuple[float, float] | None, unit: float) -> tuple[float, float] | None:
    return (ends[0] * unit, ends[1] * unit) if ends else None


def _inferences(configuration: Configuration, analysis: Analysis) -> int | Unavailable:
    """Return how many of the analysed inferences one of the configuration's is, or why the two do not fit."""
    processor = str(configuration.facts.get("processor") or CPU)
    if processor != CPU:
        why = f"it ran on the {processor}; the roof is that of the host's processor"
        return Unavailable(why, "not-comparable")
    opened = {str(each.get("name")): tuple(each.get("shape") or ()) for each in configuration.inputs}
    asked = configuration.configuration
    opened |= {name: tuple(shape) for name, shape in asked.shapes.items()}
    factors = {_factor(info.shape, opened.get(info.name, ()), asked.batch) for info in analysis.inputs}
    if len(factors) != 1 or None in factors:
        shown = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in opened.items())
        why = f"what was analysed does not fit the inputs of the result: {shown}"
        return Unavailable(why, "not-comparable", "analyse the same shapes")
    return int(factors.pop() or 1)


def _factor(analysed: Sequence[Any] | None, opened: Sequence[Any], batch: int) -> int | None:
    """Return how many times an input fits into another that has more samples; None where it does not.

    :param opened: Open dimensions are names; the first of these is that of the batch, others are as analysed.
    """
    one = tuple(analysed or ())
    many = [batch if at == 0 and not isinstance(size, int) else size for at, size in enumerate(opened)]
    alike = len(one) == len(many) and all(
        theirs == ours or not isinstance(theirs, int) for ours, theirs in zip(one[1:], many[1:], strict=False)
    )
    if not alike or not one:
        return 1 if alike else None
    first, last = one[0], many[0]
    known = isinstance(first, int) and first > 0 and last % first == 0
    return last // first if known and last else None


def _no_profile(configuration: Configuration) -> Unavailable | None:
    """Return why there are no times of layers; None where there are."""
    if not configuration.profile:
        return Unavailable("the result has no profile", "not-read", "lpbench run --profile")
    if len(configuration.profile) > 1:
        return Unavailable("the result has the profiles of several components", "not-comparable")
    reason = configuration.profile[0].reason
    return Unavailable(reason, "not-supported") if reason else None


def _with_layers(
    found: RooflineShares, profile: LayerProfile, costs: Sequence[LayerCost], factor: int
) -> RooflineShares:
    """Return shares with those of kinds and layers."""
    matching = match(profile.layers, costs)
    return dataclasses.replace(
        found,
        kinds=_kinds(profile, matching, factor, found.roof),
        layers=tuple(
            share_of(group.record.name, work_of(group.costs, fused=True).times(factor), group.record.ns, found.roof)
            for group in matching.groups
            if group.record.ns > 0
        ),
        unmatched_times=tuple(record.name for record in matching.records),
        unmatched_costs=tuple(cost.name for cost in matching.costs),
        by_order=matching.by_order,
    )


def _kinds(profile: LayerProfile, matching: Matching, factor: int, roof: ThreadRoof) -> tuple[RoofShare, ...]:
    """Return the shares of kinds: what was found counts as the engine calls it, the rest as the model does."""
    works: dict[str, list[Work]] = {}
    for group in matching.groups:
        works.setdefault(group.record.kind, []).append(work_of(group.costs, fused=True))
    for cost in matching.costs:
        works.setdefault(cost.kind, []).append(work_of([cost]))
    return tuple(
        share_of(kind.name, _sum(works[kind.name]).times(factor), kind.ns, roof)
        for kind in profile.kinds
        if kind.name in works and kind.ns > 0
    )


def _sum(works: Sequence[Work]) -> Work:
    moved = [work.bytes_moved for work in works]
    known = None if None in moved else sum(filter(None, moved))
    return Work(sum(work.flop for work in works), known, sum(work.layers for work in works))


def _noted(found: RooflineShares, configuration: Configuration, analysis: Analysis) -> RooflineShares:
    notes = [f"the roof is doubtful: {'; '.join(found.roof.doubts)}"] if found.roof.doubts else []
    executed = str(configuration.facts.get("precision") or "")
    if executed and executed != PRECISION:
        notes.append(f"it computes in {executed}; the roof is that of {PRECISION}, which such arithmetic may pass")
    if configuration.configuration.streams > 1:
        notes.append("of several streams the time is that of the throughput, pre- and postprocessing included")
    if analysis.uncounted:
        notes.append(f"not counted: {', '.join(f'{count} {name}' for name, count in analysis.uncounted.items())}")
    notes += _above(found)
    return dataclasses.replace(found, notes=tuple(notes))


def _above(found: RooflineShares) -> list[str]:
    """Return what may have brought shares above 1."""
    total = [] if isinstance(found.total, Unavailable) else [found.total]
    above = {bound: _above_roof((*total, *found.kinds, *found.layers), bound) for bound in (COMPUTE, MEMORY)}
    why = {
        COMPUTE: "The engine needs fewer operations than are counted, as Winograd's convolution does, or its kernels "
        "are faster than numpy's BLAS",
        MEMORY: "What is counted as moved stays in caches, or layers are fused",
    }
    return [f"above 100 %, bound by {bound}: {several(names)}. {why[bound]}" for bound, names in above.items() if names]


def _above_roof(some: Iterable[RoofShare], bound: str) -> list[str]:
    return [each.name or "inference" for each in some if each.bound == bound and (each.share or 0) > ABOVE]
