"""What a heating curve shows: whether throttling began, when, and the latency of the steady state.

``docs/explanation/heat.md`` states the rules.
"""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from lpbench.results.metrics import MILLISECOND
from lpbench.results.stats import Interval, drift, first_rise, median_interval
from lpbench.results.stats.changes import FEWEST
from lpbench.results.sustained import BEGAN, NONE, NOT_KNOWN, SIGNALS, SLOWER, Heat
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench.results.resources import Resource
    from lpbench.results.stats import Change
    from lpbench.results.sustained import HeatSlice

EARLY_S, EARLY_SHARE = 60.0, 0.1
"""The first minute, or the first tenth of what is shorter than ten."""
FELL = 0.98
"""Frequency after over that before, below which it fell."""
PLATEAU = 2.0
"""Kelvins below the maximum in which a temperature is at its plateau."""
RISE = 5.0
"""Kelvins by which a temperature rises at least where heat is why a machine throttles."""
DEVICES = ("GPU", "NPU")


def judge(slices: Sequence[HeatSlice], resources: Sequence[Resource], processor: str, seconds: float) -> Heat:
    """Return what a curve shows.

    :param resources: With their series, of which those that count are looked at.
    :param processor: What ran the model; the heat of an idle GPU says nothing.
    :param seconds: How long the curve was to run.
    """
    if not slices:
        return Heat(reasons=("no sample was timed",))
    medians = [max(each.median_ns, 1.0) for each in slices]  # the clock may be coarser than a sample
    change = first_rise(medians)
    signals = [each for each in resources if _tells(each, processor)]
    verdict, reasons = _verdict(slices, change, signals)
    return dataclasses.replace(
        _steady(medians[-(-2 * len(medians) // 3) :]),
        throttling=verdict,
        reasons=tuple(reasons),
        began_s=slices[change.at].at if change else None,
        before_ms=change.before / MILLISECOND if change else None,
        early_ms=_early(slices, seconds),
    )


def _tells(resource: Resource, processor: str) -> bool:
    """Return whether a resource tells heat or throttling of what ran the model."""
    if resource.second or resource.name not in SIGNALS or not resource.series.values:
        return False
    return processor.startswith(DEVICES) or not resource.name.startswith(DEVICES)


def _steady(last: Sequence[float]) -> Heat:
    """Return the latency of a curve's last third."""
    found, moved = median_interval(last), drift(last)
    known = isinstance(found, Interval)
    return Heat(
        steady_ms=statistics.median(last) / MILLISECOND,
        steady_interval=_milliseconds(found) if isinstance(found, Interval) else None,
        steady_reason="" if isinstance(found, Interval) else found.reason,
        steady=None if 3 * len(last) < FEWEST or not (known or moved) else not moved,
        drift=moved,
    )


def _milliseconds(found: Interval) -> Interval:
    return dataclasses.replace(found, lower=found.lower / MILLISECOND, upper=found.upper / MILLISECOND)


def _early(slices: Sequence[HeatSlice], seconds: float) -> float:
    until = min(EARLY_S, EARLY_SHARE * seconds)
    early = [each.median_ns for each in slices if each.at < until] or [slices[0].median_ns]
    return statistics.median(early) / MILLISECOND


def _verdict(slices: Sequence[HeatSlice], change: Change | None, signals: Sequence[Resource]) -> tuple[str, list[str]]:
    """Return whether throttling began, and what that rests on."""
    if not signals:
        return NOT_KNOWN, ["neither frequency nor temperature nor throttling can be read"]
    if change is not None:
        found = [line for each in signals for line in _evidence(each, slices[change.at].at)]
        return (BEGAN, found) if found else (SLOWER, [f"{_names(signals)} did not change with the latency"])
    if len(slices) < FEWEST:
        return NOT_KNOWN, [f"{amount(len(slices), 'slice')}: {FEWEST} are needed to tell a rise of the latency"]
    throttled = [each for each in signals if each.name.endswith("THROTTLING") and max(each.series.values) > 0]
    if throttled:
        return NOT_KNOWN, [f"{_names(throttled)} was set, but the latency did not rise"]
    return NONE, [f"the latency did not rise ({_names(signals)} known)"]


def _names(signals: Sequence[Resource]) -> str:
    return ", ".join(each.name for each in signals)


def _evidence(signal: Resource, began: float) -> Iterator[str]:
    """Yield in words that a signal explains why the latency rose then."""
    times = list(zip(signal.series.seconds, signal.series.values, strict=True))
    before = [value for at, value in times if at < began]
    after = [value for at, value in times if at >= began]
    if not after:
        return
    if signal.name.endswith("THROTTLING") and max(after) > 0:
        yield f"{signal.name} was set"
    elif signal.name.endswith("FREQ") and before:
        fast, slow = statistics.median(before), statistics.median(after)
        if slow < FELL * fast:
            yield f"{signal.name} fell from {fast:.4g} to {slow:.4g} {signal.unit}"
    elif signal.name.endswith("TEMP") and before and _plateau(before, after):
        yield f"{signal.name} was at its plateau of {max(*before, *after):.3g} {signal.unit}"


def _plateau(before: Sequence[float], after: Sequence[float]) -> bool:
    """Return whether a temperature that rose had come near its maximum when the latency rose, and stayed there."""
    most = max(*before, *after)
    near = min(before[-1], statistics.median(after)) >= most - PLATEAU
    return near and most - before[0] >= RISE
