"""Roofs that tests state: what follows from them, and that they are kept."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.machine import last_level_cache, roof_cache
from lpbench.machine.roofline import Ceiling, Roof, ThreadRoof
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

RATES = st.floats(1e-3, 1e6)
QUIET = ThreadRoof(1, (3,), Ceiling((99.0, 100.0, 98.0), 300), {"read": Ceiling((19.5, 20.0, 19.8), 90)}, 1 << 27)
ROOF = Roof("machine", "2.4.6", "OpenBLAS", (QUIET, dataclasses.replace(QUIET, threads=4)))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have lpbench's cache in a folder of the test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lpbench"


@given(RATES, RATES, RATES)
def test_what_is_attainable_is_bound_by_both_ceilings_and_they_meet_at_the_ridge(
    peak: float, bandwidth: float, intensity: float
) -> None:
    point = ThreadRoof(1, (), Ceiling((peak,), 1), {"copy": Ceiling((bandwidth,), 1)}, 1)
    found = point.attainable(intensity)
    assert found <= peak
    assert found <= intensity * bandwidth
    assert found in {peak, intensity * bandwidth}
    assert point.attainable(point.ridge) == pytest.approx(peak)


def test_the_best_repetition_counts_and_the_fastest_way_of_moving_memory() -> None:
    streams = {"read": Ceiling((5.0, 9.0), 2), "copy": Ceiling((7.0, 8.0), 2)}
    point = dataclasses.replace(QUIET, streams=streams)
    assert (point.product.best, point.product.lowest) == (100.0, 98.0)
    assert (point.stream, point.bandwidth.best) == ("read", 9.0)


def test_a_calm_roof_has_no_doubts_a_disturbed_or_spread_one_says_why() -> None:
    assert QUIET.doubts == ()
    disturbed = dataclasses.replace(QUIET, disturbances=("other processes used 60% of the CPU time",))
    assert "1 run of 3" in disturbed.doubts[0]
    assert "60%" in disturbed.doubts[0]
    spread = dataclasses.replace(QUIET, product=Ceiling((50.0, 100.0), 2))
    assert "matrix product" in spread.doubts[0]
    assert "50%" in spread.doubts[0]


def test_other_precisions_than_that_of_the_product_have_no_peak_but_a_reason() -> None:
    found = QUIET.peak("S8")
    assert isinstance(found, Unavailable)
    assert "S8" in found.reason
    assert QUIET.peak("F32") == QUIET.product


def test_a_number_of_threads_that_was_not_measured_is_no_zero() -> None:
    assert ROOF.at(4) == ROOF.points[1]
    found = ROOF.at(2)
    assert isinstance(found, Unavailable)
    assert "2 threads" in found.reason


def test_a_roof_is_kept_for_its_machine_and_its_numpy_alone(cache: Path) -> None:
    assert roof_cache.keep(ROOF).unkept == ""
    assert roof_cache.kept("machine", "2.4.6") == ROOF
    assert roof_cache.kept("another", "2.4.6") is None
    assert roof_cache.kept("machine", "2.5.0") is None
    assert [path.suffix for path in (cache / roof_cache.FOLDER).iterdir()] == [".json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"machine": "machine"}', '{"points": [{"threads": 1}]}', "NaN", "[" * 5000]
)
def test_a_file_that_holds_no_roof_counts_as_none(cache: Path, text: str) -> None:
    place = roof_cache.place("machine", "2.4.6")
    place.parent.mkdir(parents=True)
    place.write_text(text, encoding="utf-8")
    assert roof_cache.kept("machine", "2.4.6") is None


def test_rates_that_are_none_are_no_roof(cache: Path) -> None:
    roof_cache.keep(ROOF)
    place = roof_cache.place("machine", "2.4.6")
    place.write_text(place.read_text(encoding="utf-8").replace("98.0", "-98.0"), encoding="utf-8")
    assert roof_cache.kept("machine", "2.4.6") is None


def test_a_roof_that_cannot_be_kept_says_why(cache: Path) -> None:
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file in the folder's place", encoding="utf-8")
    kept = roof_cache.keep(ROOF)
    assert str(cache) in kept.unkept
    assert any("not kept" in note for note in kept.notes())
    assert kept == ROOF


def test_the_last_level_of_all_cores_counts_each_cache_once(tmp_path: Path) -> None:
    cpu = tmp_path / "sys/devices/system/cpu"
    files = {"online": "0-3"}
    for core in range(4):
        pair = "0-1" if core < 2 else "2-3"
        files |= {
            f"cpu{core}/cache/index{at}/{name}": text
            for at, level in enumerate(((1, "32K", str(core)), (3, "16384K", pair)))
            for name, text in zip(("level", "size", "shared_cpu_list"), map(str, level), strict=True)
        }
    for name, text in files.items():
        (cpu / name).parent.mkdir(parents=True, exist_ok=True)
        (cpu / name).write_text(f"{text}\n", encoding="ascii")
    assert last_level_cache(tmp_path) == 2 * 16384 * 1024
    assert last_level_cache(tmp_path / "nothing") is None


def test_this_machine_has_a_last_level_or_says_nothing() -> None:
    found = last_level_cache()
    assert found is None or found >= 1024
    assert os.path.isdir("/sys") or found is None  # noqa: PTH112 - a question
