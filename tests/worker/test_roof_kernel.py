"""The kernels of a roof, on real numpy in this process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lpbench.worker.requests import MeasureRoof
from lpbench.worker.runner import Runner

np = pytest.importorskip("numpy", reason="needs numpy")

SMALL = MeasureRoof(threads=2, array_bytes=12 << 20, seconds=0.01)


@pytest.fixture(autouse=True)
def small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiply matrices so small that the BLAS of this process, which has its own threads, uses one for each."""
    monkeypatch.setattr("lpbench.worker.roof_kernel.SIZES", (32, 48))


def test_a_run_has_rates_of_a_product_and_of_each_way_to_move_memory() -> None:
    rates = Runner().handle(SMALL)
    assert set(rates.streams) == {"read", "copy", "add"}
    assert min(rates.product) > 0
    assert all(len(each) >= 3 and min(each) > 0 for each in rates.streams.values())
    assert rates.numpy == np.__version__


def test_rates_are_operations_and_bytes_over_the_time_that_the_clock_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock on which every step takes a millisecond."""
    from lpbench.worker import roof_kernel

    ticks = iter(range(0, 10**12, 10**6))
    monkeypatch.setattr("lpbench.worker.roof_kernel.time.perf_counter_ns", lambda: next(ticks))
    with ThreadPoolExecutor(2) as pool:
        assert {2 * 2 * size**3 / 1e6 for size in (32, 48)} <= set(roof_kernel.product_rates(SMALL, pool))
        streams = roof_kernel.stream_rates(SMALL, pool)
    whole = SMALL.array_bytes / 1e6
    assert all(rate <= whole for rates in streams.values() for rate in rates)
    assert all(
        (rate * 1e6 / 4) % {"read": 2, "copy": 4, "add": 6}[name] == 0 for name in streams for rate in streams[name]
    )


def test_windows_pass_through_the_whole_array_before_they_come_back() -> None:
    from lpbench.worker.roof_kernel import ARRAYS, _Window

    array = np.zeros(1000, np.float32)
    with ThreadPoolExecutor(2) as pool:
        window = _Window("add", array, 50, 2, pool)
        assert window.elements == 2 * 50 * ARRAYS["add"]
        array[:100] = 1  # both arguments of the first thread in the first step
        window()
        assert array[100:150].tolist() == [2] * 50
        starts = [window._at]
        for _ in range(3):
            window()
            starts.append(window._at)
    assert starts == [300, 600, 0, 300]
