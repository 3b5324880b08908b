"""Heating curves: each quantity as a line of blocks, what they show in a sentence, and a table of some points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import SHOWN
from lpbench.render._curve import curve, resampled
from lpbench.render._numbers import ABSENT, digits, percent
from lpbench.render._table import Column, blocks, hanging, unstyled
from lpbench.results.metrics import MILLISECOND
from lpbench.results.names import names_of
from lpbench.results.per_sample import Basis
from lpbench.results.sustained import BEGAN, NONE, SLOWER
from lpbench.util.text import abridge, cells, clean, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result
    from lpbench.results.sustained import Heat, Sustained

WIDEST = 60
"""Blocks of a line at most."""
LEAST = 8
POINTS = 20
"""Rows of the table."""
SPAN = 0.05
"""Share of a value that a line of blocks covers at least."""
KELVINS = 5.0
"""Likewise of temperatures."""
QUANTITIES = {
    "CPU_FREQ": "CPU frequency",
    "CPU_TEMP": "CPU temperature",
    "GPU_FREQ": "GPU frequency",
    "GPU_TEMP": "GPU temperature",
    "NPU_TEMP": "NPU temperature",
    "POWER_CONSUMPTION": "power",
}
FLAGS = {"THROTTLING": "throttled", "GPU_THROTTLING": "GPU throttled"}


class Line:
    """A quantity over time."""

    def __init__(self, name: str, unit: str, times: Sequence[float], values: Sequence[float]) -> None:
        self.name, self.unit, self.times, self.values = name, unit, times, values

    @property
    def span(self) -> float:
        """What the blocks cover at least."""
        if self.unit == "1":
            return 1.0
        return KELVINS if self.unit == "°C" else SPAN * abs(self.values[0])

    @property
    def ends(self) -> str:
        """Its first and its last value, then its extremes."""
        first, last, least, most = map(digits, (self.values[0], self.values[-1], min(self.values), max(self.values)))
        unit = "" if self.unit == "1" else f" {clean(self.unit)}"
        return f"{first} to {last}{unit} (least {least}, most {most})"


def heat_lines(configuration: Configuration, *, width: int, verbose: bool, paint: Paint = unstyled) -> list[str]:
    """Return the lines of a configuration's heating curve; nothing without ``--sustain``.

    :param verbose: Whether a table of some points follows.
    """
    found = configuration.sustained
    if found is None:
        return []
    if not found.slices:
        return [paint(line, "warn") for line in hanging(course(found), width, 0)]
    lines = [paint(line, "dim") for line in hanging(course(found), width, 0)]
    lines += _curves(found, width)
    for at, sentence in enumerate(sentences(found)):
        lines += [paint(line, "bold" if at == 0 else "warn") for line in hanging(sentence, width, 0)]
    if verbose:
        lines += ["", *(line for block in blocks(*points(found), width) for line in block)]
    return lines


def course(found: Sustained) -> str:
    """Return how long it ran, from which temperature, after how long a rest."""
    if not found.slices:
        return f"no heating curve: {_short(found.reason or found.ended)}"
    length = f"{found.lasted_s:.3g} s" if found.ended == "time" else f"{found.lasted_s:.3g} of {found.seconds:.3g} s"
    words = f"heating curve: {length} without a pause after {found.rest_s:.3g} s of rest"
    if found.start_temperature is None:
        return f"{words}; the temperature is not known: {clean(first_line(found.temperature_reason))}"
    first = "" if found.first_temperature is None else f" ({digits(found.first_temperature)} °C before the first curve)"
    late = ", which was as long as it may be" if found.rest_ended == "limit" else ""
    return f"{words}{late}, from {digits(found.start_temperature)} °C{first}"


def sentences(found: Sustained) -> list[str]:
    """Return what a curve shows, then what is missing or doubtful about it."""
    heat = found.heat
    lines = [_verdict(heat)] if heat.steady_ms is not None else []
    if heat.steady is False:
        way = "rises" if heat.drift > 0 else "falls"
        lines.append(f"not steady yet: the latency still {way} by {percent(abs(heat.drift))} in the last third")
    if heat.steady_ms is not None and heat.steady_interval is None and heat.steady_reason:
        lines.append(f"no interval of the steady latency: {clean(heat.steady_reason)}")
    if found.disturbed:
        lines.append(f"disturbed: {clean(found.disturbed)}")
    if found.ended != "time":
        lines.append(f"the curve ended early: {_short(found.reason or found.ended)}")
    return [*lines, *(f"without {clean(each.monitor) or 'a sampler'}: {_short(each.reason)}" for each in found.losses)]


def _short(text: str) -> str:
    return clean(abridge(first_line(text), SHOWN))


def _verdict(heat: Heat) -> str:
    """Return whether throttling began, with the latencies before and after."""
    steady, why = f"steady latency {_steady(heat)}", clean("; ".join(heat.reasons))
    if heat.began_s is None:
        return f"{'no throttling' if heat.throttling == NONE else 'throttling not known'}: {steady}; {why}"
    slower = f"{digits(heat.before_ms)} ms before, {steady}{_more(heat)}"
    after = f"after {heat.began_s:.3g} s"
    if heat.throttling == BEGAN:
        return f"throttling began {after}: {slower}; {why}"
    known = "slower, cause not known" if heat.throttling == SLOWER else "slower, throttling not known"
    return f"{known}, {after}: {slower}; {why}"


def _more(heat: Heat) -> str:
    if not heat.before_ms or heat.steady_ms is None:
        return ""
    share = heat.steady_ms / heat.before_ms - 1
    return f", {percent(abs(share))} {'slower' if share > 0 else 'faster'}"


def _steady(heat: Heat) -> str:
    ends = heat.steady_interval
    return f"{digits(heat.steady_ms)} ms{f' ({digits(ends.lower)} to {digits(ends.upper)})' if ends else ''}"


def drawn(found: Sustained) -> list[Line]:
    """Return the quantities that are known over time, the latency first."""
    if not found.slices:
        return []
    known = found.by_name()
    shown = [
        (title, known[name])
        for name, title in {**QUANTITIES, **FLAGS}.items()
        if name in known and known[name].series.values and (name in QUANTITIES or max(known[name].series.values) > 0)
    ]
    latency = Line("latency", "ms", [each.at for each in found.slices], _latencies(found))
    return [latency, *(Line(title, each.unit, each.series.seconds, each.series.values) for title, each in shown)]


def _latencies(found: Sustained) -> list[float]:
    return [each.median_ns / MILLISECOND for each in found.slices]


def _curves(found: Sustained, width: int) -> list[str]:
    """Return a line of blocks for each quantity with its ends and extremes; where it is too wide, those stand below."""
    lines = drawn(found)
    names = max((cells(line.name) for line in lines), default=0)
    ends = max((cells(line.ends) for line in lines), default=0)
    room = width - names - ends - 4
    beside = room >= LEAST
    count = max(1, min(WIDEST, room if beside else width - names - 2))
    drawings: list[str] = []
    for line in lines:
        blocks_of = curve(line.times, line.values, found.lasted_s, width=count, span=line.span)
        head = f"{line.name}{' ' * (names - cells(line.name))}  {blocks_of}"
        drawings += [f"{head}  {line.ends}"] if beside else [head, f"  {line.ends}"]
    return drawings


def points(found: Sustained) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and a row for each of some equal stretches of time."""
    lines = drawn(found)
    count = min(POINTS, len(found.slices))
    means = [resampled(line.times, line.values, found.lasted_s, count) for line in lines]
    step = found.lasted_s / count
    columns = [Column("until s"), *(Column(f"{line.name} {clean(line.unit)}".removesuffix(" 1")) for line in lines)]
    return columns, [
        [digits((at + 1) * step), *(digits(each[at]) if each else ABSENT for each in means)] for at in range(count)
    ]


def heat_ranking(result: Result) -> list[str]:
    """Return the order of several configurations in the first minute and in the steady state."""
    found = [
        (f"{name} (unchecked)" if each.unchecked else name, each.sustained.heat, each.configuration.batch)
        for name, each in zip(names_of(result.configurations), result.configurations, strict=True)
        if each.sustained and each.sustained.heat.steady_ms is not None
    ]
    if len(found) < 2:  # noqa: PLR2004 - an order takes two
        return []
    seconds = max(each.sustained.seconds for each in result.configurations if each.sustained)
    first = "minute" if seconds >= 600 else f"{digits(seconds / 10)} s"  # noqa: PLR2004 - a tenth of ten minutes
    basis = Basis.of(each.configuration for each in result.configurations if each.sustained)
    if basis is Basis.SLICE:
        return ["no order of the heating curves: their latencies do not say how many samples unequal streams take"]
    if basis is Basis.LATENCY:
        found = [(name, heat, 1) for name, heat, _ in found]
    unit = "ms" if basis is Basis.LATENCY else "ms/sample"
    lines = [
        f"in the first {first}: {_order([(name, heat.early_ms, parts) for name, heat, parts in found], unit)}",
        f"in the steady state: {_order([(name, heat.steady_ms, parts) for name, heat, parts in found], unit)}",
    ]
    if any(each.measured for each in result.configurations):
        lines.append(
            "the runs followed the heating curves at once: their figures and verdicts are those of the hot machine"
        )
    return lines


def _order(found: Sequence[tuple[str, float | None, int]], unit: str) -> str:
    """Return names and times in order.

    :param found: Names, milliseconds, and the samples among which these are divided.
    """
    known = sorted(((ms or 0.0) / parts, name) for name, ms, parts in found)
    return ", ".join(f"{name} {digits(value)} {unit}" for value, name in known)
