"""Kernels that show a machine's roof: a matrix product that computes, and three that move memory.

Of a rate that nothing can exceed, only the best repetition counts: all others were slowed down by something else.
Repetitions are therefore many and short, so that some fall between the disturbances of a busy machine.
"""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.worker.reference_kernel import blas
from lpbench.worker.requests import RoofRates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.worker.requests import MeasureRoof

SIZES = (256, 512, 1024, 2048)
"""Rows of the square matrices: which size suits a core best depends on its caches."""
LONG_NS = 50_000_000
"""A product that takes this long is large enough."""
SHORT_NS = 2_000_000
"""A step that takes this long is long enough for starting threads not to count."""
FEWEST = 3
"""Repetitions of each kernel, however long they take."""
FLOAT, SMALLEST_PART = 4, 1 << 20
"""Bytes of an element, and elements that a thread moves in a step at least."""
ARRAYS = {"read": 1, "copy": 2, "add": 3}
"""Arrays that a kernel passes through."""


class Work(NamedTuple):
    """Something that is timed.

    :param units: What one step does: operations, or bytes.
    """

    step: Callable[[], object]
    units: int


def measure_roof(request: MeasureRoof) -> RoofRates:
    """Return the rates of all repetitions; numpy's BLAS must have been loaded with one thread."""
    import numpy as np  # every engine plugin depends on it, the core does not

    with ThreadPoolExecutor(request.threads) as pool:
        return RoofRates(
            product=tuple(product_rates(request, pool)),
            streams={name: tuple(rates) for name, rates in stream_rates(request, pool).items()},
            numpy=np.__version__,
            blas=blas(),
        )


def product_rates(request: MeasureRoof, pool: ThreadPoolExecutor) -> list[float]:
    """Return rates of matrix products in GFLOP/s, of all sizes in turns.

    Each thread has a product of its own: none waits for another's part, so nothing but its core is the limit.
    """
    works: list[Work] = []
    for size in SIZES:
        if 3 * FLOAT * size * size * request.threads > request.array_bytes and works:
            break
        step = _together([_product(size) for _ in range(request.threads)], pool)
        step()  # memory is taken
        works.append(Work(step, 2 * size**3 * request.threads))
        if _timed(step) > LONG_NS:
            break
    return _in_turns(works, request.seconds)


def stream_rates(request: MeasureRoof, pool: ThreadPoolExecutor) -> dict[str, list[float]]:
    """Return rates of reading, copying and adding arrays in GB/s, by the kernel's name.

    A window moves through one array from step to step, so that what it finds was left long ago by all caches.
    """
    import numpy as np

    threads, elements = request.threads, request.array_bytes // FLOAT
    array = np.empty(elements, np.float32)
    # Each thread touches memory first, so that it lies where the threads run.
    bounds = [elements * at // threads for at in range(threads + 1)]
    list(pool.map(lambda at: array[bounds[at] : bounds[at + 1]].fill(0), range(threads)))
    return {name: _stream(name, array, threads, pool, request.seconds / len(ARRAYS)) for name in ARRAYS}


def _stream(name: str, array: Any, threads: int, pool: ThreadPoolExecutor, seconds: float) -> list[float]:
    """Return the rates of one kernel: its window grows until a step is long enough, or is half of the array."""
    part = min(SMALLEST_PART, len(array) // (2 * threads * ARRAYS[name]))
    while True:
        window = _Window(name, array, part, threads, pool)
        window()
        if _timed(window) >= SHORT_NS or 4 * window.elements > len(array):
            return _in_turns([Work(window, FLOAT * window.elements)], seconds)
        part *= 2


class _Window:
    """One step of a kernel at a time, each on the next elements of an array.

    :param part: Elements that one thread takes of each of the kernel's arrays.
    """

    def __init__(self, name: str, array: Any, part: int, threads: int, pool: ThreadPoolExecutor) -> None:
        self._array, self._part, self._threads, self._pool = array, part, threads, pool
        self._arrays, self._work = ARRAYS[name], _works()[name]
        self.elements = self._arrays * part * threads
        self._at = 0

    def __call__(self) -> None:
        starts = [self._at + thread * self._arrays * self._part for thread in range(self._threads)]
        self._at += self.elements
        if self._at + self.elements > len(self._array):
            self._at = 0
        _together([functools.partial(self._move, start) for start in starts], self._pool)()

    def _move(self, start: int) -> None:
        part = self._part
        self._work([self._array[start + at * part : start + (at + 1) * part] for at in range(self._arrays)])


def _works() -> dict[str, Callable[[Sequence[Any]], Any]]:
    """Return what the kernels do with their arrays; numpy lets other threads run meanwhile."""
    import numpy as np

    return {
        "read": lambda arrays: np.maximum.reduce(arrays[0]),
        "copy": lambda arrays: np.copyto(arrays[1], arrays[0]),
        "add": lambda arrays: np.add(arrays[0], arrays[1], out=arrays[2]),
    }


def _product(size: int) -> Callable[[], object]:
    """Return a product of two square matrices."""
    import numpy as np

    rng = np.random.default_rng(0)
    first, second = (rng.random((size, size), np.float32) for _ in range(2))
    out = np.empty_like(first)
    return lambda: np.dot(first, second, out=out)


def _together(steps: Sequence[Callable[[], object]], pool: ThreadPoolExecutor) -> Callable[[], object]:
    """Return what takes several steps at the same time; a single one needs no thread."""
    return steps[0] if len(steps) == 1 else lambda: [each.result() for each in [pool.submit(step) for step in steps]]


def _in_turns(works: Sequence[Work], seconds: float) -> list[float]:
    """Return the rates of repetitions of several works in turns, in units per nanosecond."""
    rates: list[float] = []
    until = time.perf_counter_ns() + int(seconds * 1e9)
    while len(rates) < FEWEST * len(works) or time.perf_counter_ns() < until:
        rates += [work.units / _timed(work.step) for work in works]
    return rates


def _timed(step: Callable[[], object]) -> int:
    begun = time.perf_counter_ns()
    step()
    return max(1, time.perf_counter_ns() - begun)
