"""What a person sees of a heating curve; tested on hand-built ones."""

from __future__ import annotations

import dataclasses
import io
import sys
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from tests.render.test_render import make_configuration

from lpbench import cli, render
from lpbench.render._curve import BLOCKS, PLAIN, curve
from lpbench.results.model import Result
from lpbench.results.resources import MonitorLoss, Resource, TimeSeries
from lpbench.results.settings import RunSettings
from lpbench.results.stats import Interval
from lpbench.results.sustained import BEGAN, NONE, NOT_KNOWN, SLOWER, Heat, HeatSlice, Sustained

if TYPE_CHECKING:
    import pytest

HEAT = Heat(
    BEGAN,
    ("CPU_FREQ fell from 2000 to 1500 MHz",),
    began_s=240.0,
    before_ms=4.0,
    early_ms=4.0,
    steady_ms=5.0,
    steady_interval=Interval(4.9, 5.1, 0.95, "order statistics"),
    steady=True,
)
SLICES = tuple(
    HeatSlice(at, 50, 0.2, 4e6 if at < 240 else 5e6, 3_900_000, 6_000_000) for at in map(float, range(0, 600, 2))
)
TIMES = tuple(float(at) for at in range(600))
SUSTAINED = Sustained(
    600.0,
    600.1,
    first_temperature=40.0,
    start_temperature=41.5,
    rest_s=35.0,
    rest_ended="cooled",
    slices=SLICES,
    resources=(
        Resource("CPU_FREQ", "MHz", "fake", mean=1.0, series=TimeSeries(TIMES, (2000.0,) * 240 + (1500.0,) * 360)),
        Resource("CPU_TEMP", "°C", "fake", mean=1.0, series=TimeSeries(TIMES, tuple(40 + at / 15 for at in TIMES))),
        Resource("POWER_CONSUMPTION", reason="no sensor", code="no-sensor"),
    ),
    heat=HEAT,
)


def resulting(*curves: Sustained) -> Result:
    configurations = tuple(
        dataclasses.replace(make_configuration(f"engine{at}"), sustained=each) for at, each in enumerate(curves)
    )
    return Result({"name": "app"}, RunSettings(sustain=600.0), {}, configurations)


def shown(*curves: Sustained, verbose: bool = False, width: int = 120) -> str:
    return render.text(resulting(*curves), verbose=verbose, width=width)


def showing(**changes: Any) -> str:
    return shown(dataclasses.replace(SUSTAINED, heat=dataclasses.replace(HEAT, **changes)))


def test_each_quantity_is_a_line_with_its_ends_and_extremes_above_the_sentence() -> None:
    lines = shown(SUSTAINED).split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("heating curve"))
    assert lines[at] == (
        "heating curve: 600 s without a pause after 35 s of rest, from 41.5 °C (40.0 °C before the first curve)"
    )
    latency, frequency, temperature, sentence = lines[at + 1 : at + 5]
    assert latency.startswith("latency          ▁▁▁▁")
    assert latency.endswith("███  4.00 to 5.00 ms (least 4.00, most 5.00)")
    assert frequency.startswith("CPU frequency    ████")
    assert frequency.endswith("▁▁▁  2000 to 1500 MHz (least 1500, most 2000)")
    assert temperature.endswith("°C (least 40.0, most 79.9)")
    assert sentence.startswith("throttling began after 240 s: 4.00 ms before, steady latency 5.00 ms (4.90 to 5.10)")
    assert "25 % slower; CPU_FREQ fell" in " ".join(lines)


def test_each_verdict_has_its_words() -> None:
    assert "slower, cause not known, after 240 s" in showing(throttling=SLOWER)
    assert "no throttling: steady latency 5.00 ms" in showing(throttling=NONE, began_s=None, before_ms=None)
    assert "throttling not known: steady" in showing(throttling=NOT_KNOWN, began_s=None, before_ms=None)
    assert "slower, throttling not known, after 240 s" in showing(throttling=NOT_KNOWN)
    assert "not steady yet: the latency still falls by 4.0 %" in showing(steady=False, drift=-0.04)
    assert "no interval of the steady latency: too few" in showing(steady_interval=None, steady_reason="too few")


def test_what_is_missing_is_said() -> None:
    cold = dataclasses.replace(SUSTAINED, start_temperature=None, temperature_reason="no sensor")
    assert "the temperature is not known: no sensor" in shown(cold)
    lost = dataclasses.replace(SUSTAINED, losses=(MonitorLoss("fan", "sample hung"),), disturbed="others used 50 %")
    assert "without fan: sample hung" in shown(lost)
    assert "disturbed: others used 50 %" in shown(lost)
    early = dataclasses.replace(SUSTAINED, ended="interrupted", lasted_s=60.0)
    assert "the curve ended early: interrupted" in shown(early)
    none = Sustained(600.0, ended="failed", reason="it would not open")
    assert "no heating curve: it would not open" in shown(none)


def test_the_long_form_has_some_twenty_points() -> None:
    text = shown(SUSTAINED, verbose=True)
    head, *rows = text[text.index("until s") :].split("\n")[:21]
    assert head.split("  ")[0] == "until s"
    assert [row.split()[:2] for row in rows[:1]] == [["30.0", "4.00"]]
    assert rows[-1].split()[:3] == ["600", "5.00", "1500"]


def test_several_are_ranked_in_the_first_minute_and_in_the_end() -> None:
    steadier = dataclasses.replace(
        SUSTAINED, heat=dataclasses.replace(HEAT, throttling=NONE, early_ms=4.5, steady_ms=4.6)
    )
    text = shown(SUSTAINED, steadier)
    assert "in the first minute: engine0 4.00 ms, engine1 4.50 ms" in text
    assert "in the steady state: engine1 4.60 ms, engine0 5.00 ms" in text
    assert "in the first" not in shown(SUSTAINED)


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 80, 100):
        text = shown(SUSTAINED, verbose=True, width=width)
        part = text[text.index("heating curve") : text.index("until s")]
        assert max(map(len, part.split("\n"))) <= max(width, 47), width


def test_a_notebook_shows_it_too() -> None:
    text = render.to_html(resulting(SUSTAINED))
    assert "throttling began after 240 s" in text
    assert "heating curve: 600 s" in text


def test_a_terminal_without_blocks_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    cli._forgive_encodings()
    print(shown(SUSTAINED), file=stream, flush=True)
    lines = stream.buffer.getvalue().decode("ascii").split("\n")
    (latency,) = [line for line in lines if line.startswith("latency   ")]
    assert "____" in latency
    assert "####" in latency


numbers = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(st.floats(0, 100), numbers), max_size=50), st.floats(0, 100), st.integers(1, 60))
def test_any_values_are_a_line_of_blocks(points: list[tuple[float, float]], end: float, width: int) -> None:
    times, values = [at for at, _ in points], [value for _, value in points]
    line = curve(times, values, end, width=width, span=1.0)
    assert len(line) == (width if points else 0)
    assert set(line) <= set(BLOCKS) == set(PLAIN)
