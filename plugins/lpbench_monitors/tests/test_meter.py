"""An external meter.  Tested on fixtures: files and FIFOs that the tests write as loggers do; no meter is connected."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpbench.plugin.monitor import METRICS, Reading, Unavailable
from lpbench.testing import Machine, monitor_checks
from lpbench_monitors._meter import MeterMonitor
from lpbench_monitors._meter_file import PIECE
from lpbench_monitors.config import MeterConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.plugin.monitor import Readings

EPOCH = 1_790_000_000.0
"""What the wall clock says when the machine's clock says 0."""
NOW = EPOCH + 100


@pytest.mark.long
@monitor_checks("meter")
def test_meter(check: Callable[[], None]) -> None:
    check()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where the meter's logger writes."""
    return tmp_path / "power.csv"


def meter(machine: Machine, file: Path, *, ahead: Callable[[], float] = float, **options: Any) -> MeterMonitor:
    """Return a monitor whose wall clock is the machine's clock and ``EPOCH``, and what it is set ahead."""
    monitor = MeterMonitor(machine.target(), MeterConfig(file=str(file), **options))
    monitor.wall = lambda: EPOCH + machine.now + ahead()
    return monitor


def append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)


def several(found: Readings, metric: str = "POWER_CONSUMPTION") -> list[Reading]:
    readings = found.get(metric, [])
    assert not isinstance(readings, (Reading, Unavailable)), readings
    return list(readings)


def watts(found: Readings) -> list[float]:
    return [round(each.value, 6) for each in several(found)]


def placed(readings: Sequence[Reading]) -> list[tuple[float, float]]:
    """Return values and when they were, to a millisecond."""
    return [(each.value, round(each.at or 0, 3)) for each in readings]


def why(found: Readings, metric: str = "POWER_CONSUMPTION") -> Unavailable:
    reason = found[metric]
    assert isinstance(reason, Unavailable), reason
    return reason


def read(machine: Machine, log: Path, text: str, **options: Any) -> Readings:
    log.write_text(text, encoding="utf-8")
    with meter(machine, log, **options) as monitor:
        return monitor.sample()


def test_new_rows_are_returned_once_at_the_time_that_the_meter_gave_them(machine: Machine, log: Path) -> None:
    append(log, f"time,power\n{NOW - 2},4.5\n")
    with meter(machine, log) as monitor:
        first = several(monitor.sample())
        machine.now += 1
        append(log, f"{NOW + 0.25},6\n{NOW + 0.5},7.5\n{NOW + 0.75},8")
        second = several(monitor.sample())
        assert "POWER_CONSUMPTION" not in monitor.sample()
        append(log, ".5\n")
        third = several(monitor.sample())
    assert placed(first) == [(4.5, 98)]
    assert placed(second) == [(6, 100.25), (7.5, 100.5)]
    assert [each.value for each in third] == [8.5]  # its line was not complete before
    assert (first[0].unit, first[0].scope, first[0].source) == ("W", "wall", "power.csv, offset 0 s")


def test_the_offset_moves_the_meters_times(machine: Machine, log: Path) -> None:
    found = several(read(machine, log, f"time,power\n{NOW + 3},4\n", offset=4.0, scope="module"))
    assert found[0].at == pytest.approx(99)
    assert (found[0].scope, found[0].source) == ("module", "power.csv, offset 4 s")


@pytest.mark.parametrize(
    "text",
    [
        f"time,power\n{NOW:.0f},5\n",
        f"# logger 2.1\nTimestamp (ms);Bus Power [mW]\r\n{NOW * 1000:.0f};5000\r\n",
        f"epoch_us\tWatt\n{NOW * 1e6:.0f}\t5\n",
        f"Zeit;Spannung (V);Strom (A)\n{NOW:.0f};2,5;2,0\n",
        f"timestamp,bus_v,current_ma\n{NOW:.0f},2.5,2000\n",
        f'"time","Apparent Power (VA)","Power (W)","Power Factor"\n"{NOW:.0f}","9","5","0.5"\n',
        f"{NOW:.0f},5\n",
        "time,power\n2026-09-21T14:15:00+00:00,5 W\n",
        "time,power\n2026-09-21 16:15:00.000 +02:00,5000 mW\n",
        "Date;Time;Power (W)\n2026-09-21;14:15:00,000;5,0\n",
        "\ufefftime,power\n2026-09-21T14:15:00Z,5\n",
        f"meter,port=1 power=5 {NOW * 1e9:.0f}\n",
        f'power,room=a\\ b state="on, 9",value=5i {NOW * 1e9:.0f}\n',
        f"usb voltage=2.5,current=2 {NOW * 1e9:.0f}\n",
    ],
)
def test_what_loggers_write_is_understood(machine: Machine, log: Path, text: str) -> None:
    found = several(read(machine, log, text, zone="utc"))
    assert [each.value for each in found] == [pytest.approx(5)]
    assert found[0].at == pytest.approx(100, abs=0.6)


def test_texts_without_a_zone_are_in_this_machines_zone(machine: Machine, log: Path) -> None:
    import datetime as dt

    local = dt.datetime.fromtimestamp(NOW).astimezone().replace(tzinfo=None).isoformat()
    assert watts(read(machine, log, f"time,power\n{local},5\n")) == [5]


def test_columns_can_be_named(machine: Machine, log: Path) -> None:
    text = f"when,load,Power\n{NOW},7,9\n"
    assert watts(read(machine, log, text, time="when", power="Load")) == [7]
    missing = why(read(machine, log, text))
    assert (missing.code, "time=" in missing.hint) == ("not-read", True)


def test_titles_that_tell_no_power_are_not_guessed(machine: Machine, log: Path) -> None:
    assert why(read(machine, log, f"time,volts\n{NOW},5\n")).code == "not-read"


def test_one_device_of_several_in_a_file_counts(machine: Machine, log: Path) -> None:
    lines = f"plug,id=a power=5 {NOW * 1e9:.0f}\nplug,id=b power=90 {NOW * 1e9:.0f}\n"
    first = several(read(machine, log, lines))
    assert [each.value for each in first] == [5]
    assert watts(read(machine, log, lines, device="id=b")) == [90]


def test_a_cumulative_energy_counts_on_where_the_meter_is_reset(machine: Machine, log: Path) -> None:
    rows = "".join(f"{NOW + n},5,{wh}\n" for n, wh in enumerate([1.0, 1.5, 0.25, 0.5]))
    machine.now += 4
    found = several(read(machine, log, f"time,power,energy (Wh)\n{rows}"), "ENERGY")
    assert [each.value for each in found] == [0, 1800, 1800, 2700]
    assert all(each.cumulative and each.unit == "J" for each in found)


def test_without_an_energy_column_the_energy_has_a_reason(machine: Machine, log: Path) -> None:
    assert why(read(machine, log, f"time,power\n{NOW},5\n"), "ENERGY").code == "not-supported"


def test_rows_that_cannot_be_are_dropped_counted_and_said(machine: Machine, log: Path) -> None:
    rows = ["-3", "nan", "inf", "1e9", "9" * 80, "", "5"]
    text = "time,power\n" + "".join(f"{NOW + n / 10},{value}\n" for n, value in enumerate(rows)) + f"{NOW - 5},6\n"
    log.write_text(text, encoding="utf-8")
    with meter(machine, log) as monitor:
        assert watts(monitor.sample()) == [5]
        append(log, f"{NOW + 0.9},8\n")
        source = several(monitor.sample())[0].source
    for words in ("1 negative", "1 absurd", "1 out of order", "4 unreadable"):
        assert words in source


def test_a_meter_that_only_tells_nonsense_says_what(machine: Machine, log: Path) -> None:
    assert "1 negative" in why(read(machine, log, f"time,power\n{NOW},-5\n")).reason


@pytest.mark.parametrize("shift", [-7200.0, 3600.0])
def test_times_that_do_not_overlap_the_run_say_which_offset_aligns_them(
    machine: Machine, log: Path, shift: float
) -> None:
    append(log, f"time,power\n{NOW + shift - 1},5\n")
    with meter(machine, log) as monitor:
        early = why(monitor.sample())
        append(log, f"{NOW + shift},5\n")
        late = why(monitor.sample())
    assert (early.code, late.code) == ("not-comparable", "not-comparable")
    assert "do not overlap" in early.reason
    assert f"offset={shift:.1f}" in late.reason
    assert len(late.reason) < 300  # what a result keeps of it


def test_times_since_a_start_of_their_own_need_an_offset(machine: Machine, log: Path) -> None:
    text = "elapsed (s),power\n0.0,5\n0.5,6\n"
    refused = why(read(machine, log, text))
    assert (refused.code, "offset=" in refused.hint) == ("not-comparable", True)
    assert watts(read(machine, log, text, offset=-NOW + 1)) == [5, 6]


def test_a_wall_clock_that_is_set_is_followed_and_said(machine: Machine, log: Path) -> None:
    ahead = [0.0]
    append(log, f"time,power\n{NOW},5\n")
    with meter(machine, log, ahead=lambda: ahead[0]) as monitor:
        assert watts(monitor.sample()) == [5]
        machine.now, ahead[0] = 101, -3600
        append(log, f"{NOW - 3599},6\n")  # the logger is of this machine
        found = several(monitor.sample())
    assert placed(found) == [(6, 101)]
    assert "wall clock was set 1 times, by -3600.0 s" in found[0].source


def test_a_file_that_appears_vanishes_and_comes_back_is_followed(machine: Machine, log: Path) -> None:
    with meter(machine, log) as monitor:
        assert why(monitor.sample()).code == "not-here"
        append(log, f"time,power\n{NOW},5\n")
        assert watts(monitor.sample()) == [5]
        log.unlink()
        assert why(monitor.sample()).code == "not-here"
        append(log, f"power,time\n6,{NOW + 1}\n")
        assert watts(monitor.sample()) == [6]


@pytest.mark.parametrize("how", ["rotated", "truncated", "written again with the old rows"])
def test_a_file_that_is_replaced_is_followed(machine: Machine, log: Path, how: str) -> None:
    append(log, f"time,power\n{NOW},5\n{NOW + 0.1},5.5\n")
    with meter(machine, log) as monitor:
        assert watts(monitor.sample()) == [5, 5.5]
        append(log, f"{NOW + 0.2},6\n")
        if how == "rotated":
            log.rename(log.with_suffix(".1"))
        old = f"{NOW},5\n{NOW + 0.1},5.5\n{NOW + 0.2},6\n" if how.startswith("written") else ""
        new = log.with_suffix(".new")
        new.write_text(f"time,power\n{old}{NOW + 0.3},7\n", encoding="utf-8")
        if how == "truncated":
            log.write_text(new.read_text(encoding="utf-8"), encoding="utf-8")
        else:
            new.replace(log)
        found = watts(monitor.sample()) + watts(monitor.sample())
    assert found == ([7] if how == "truncated" else [6, 7])


def test_a_fifo_does_not_wait_for_its_writer(machine: Machine, tmp_path: Path) -> None:
    fifo = tmp_path / "power"
    os.mkfifo(fifo)
    with meter(machine, fifo) as monitor:
        assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Unavailable)
        for value in (5, 6):  # a logger that opens it for each row
            append(fifo, f"{NOW},{value}\n")
            assert watts(monitor.sample()) == [value]


@pytest.mark.parametrize("kind", ["folder", "device", "no name", "NUL"])
def test_what_is_no_file_is_refused(machine: Machine, tmp_path: Path, kind: str) -> None:
    path = {"folder": tmp_path, "device": Path("/dev/zero"), "no name": Path(), "NUL": Path("a\0b")}[kind]
    with meter(machine, path) as monitor:
        assert isinstance(monitor.sample()["POWER_CONSUMPTION"], Unavailable)


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user other than root")
def test_a_file_that_may_not_be_read_says_so(machine: Machine, log: Path) -> None:
    log.touch(mode=0)
    with meter(machine, log) as monitor:
        assert why(monitor.sample()).code == "no-permission"


def test_of_a_huge_file_only_its_end_is_read(machine: Machine, log: Path) -> None:
    rows = 400_000
    log.write_text("time,power\n" + "".join(f"{NOW - (rows - n) / 100:.2f},{n}\n" for n in range(rows)))
    with meter(machine, log) as monitor:
        found: list[Reading] = []
        for _ in range(8):
            found += several(monitor.sample())
    assert log.stat().st_size > 20 * PIECE
    assert [each.value for each in found] == list(range(rows - 1000, rows))


def test_lines_without_end_and_binary_rows_are_passed_over(machine: Machine, log: Path) -> None:
    log.write_bytes(f"time,power\n{NOW},5\n".encode() + b"\0\xff" * PIECE + f"\n{NOW + 0.5},6\n".encode())
    with meter(machine, log) as monitor:
        found = [value for _ in range(4) for value in watts(monitor.sample())]
    assert found == [5, 6]


def trapezoid(readings: Sequence[Reading]) -> float:
    pairs = [(each.at or 0.0, each.value) for each in readings]
    return sum((u + v) / 2 * (t - s) for (s, u), (t, v) in itertools.pairwise(pairs))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.2, 100),
    st.tuples(st.floats(0.5, 50), st.floats(0.5, 50)),
    st.floats(0.2, 0.8),
    st.lists(st.floats(0, 1), max_size=30),
)
def test_a_step_of_power_is_found_at_any_rate_and_in_any_pieces(
    rate: float, levels: tuple[float, float], part: float, cuts: list[float]
) -> None:
    seconds = max(20.0, 160 / rate)
    times = [n / rate for n in range(int(seconds * rate) + 1)]
    powers = [levels[time >= part * seconds] for time in times]
    text = "time,power\n" + "".join(f"{NOW + t:.6f},{w:.6f}\n" for t, w in zip(times, powers, strict=True))
    places = sorted({0, len(text), *(int(cut * len(text)) for cut in cuts)})
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "power.csv"
        log.touch()
        machine = Machine(Path(folder))
        with meter(machine, log) as monitor:
            found: list[Reading] = []
            machine.now += seconds
            for begin, end in itertools.pairwise(places):
                append(log, text[begin:end])
                new = monitor.sample().get("POWER_CONSUMPTION", ())
                found += [] if isinstance(new, (Reading, Unavailable)) else new
    assert [each.value for each in found] == [pytest.approx(power, abs=1e-6) for power in powers]
    assert [each.at for each in found] == [pytest.approx(100 + time, abs=1e-5) for time in times]
    exact = levels[0] * part * times[-1] + levels[1] * (1 - part) * times[-1]
    assert trapezoid(found) == pytest.approx(exact, rel=0.02)


NUMBERS = (
    f"{NOW}",
    f"{NOW * 1e9:.0f}",
    "5",
    "-5",
    "nan",
    "1e999",
    "9" * 40,
    "2026-09-21T14:15:00Z",
    "2026-99-99 99:99",
)
SIGNS = (",", ";", "\t", "\n", " ", '"', "\\", "\0", "²")
TOKENS = st.sampled_from(
    ["time", "power", "energy (Wh)", "meter ", "value=5", "power=1e300", "time,power\n", *NUMBERS, *SIGNS]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(TOKENS, max_size=60).map("".join)))
def test_any_text_gives_possible_values_or_a_reason(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "power.csv"
        log.write_text(text, encoding="utf-8", errors="replace")
        with meter(Machine(Path(folder)), log) as monitor:
            for name, found in monitor.sample().items():
                if isinstance(found, Unavailable):
                    assert found.reason.isprintable()
                else:
                    assert not isinstance(found, Reading)
                    assert all(METRICS[name].least <= each.value <= METRICS[name].most for each in found)
