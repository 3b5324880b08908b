"""Measures the roof of this machine, in fresh worker processes, once: it is kept in the cache."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.errors import LpbenchError, either, setting
from lpbench.jobs.measuring.cores import last_cores
from lpbench.machine import roof_cache
from lpbench.machine.roofline import Ceiling, Roof, ThreadRoof
from lpbench.util import atomic_folders
from lpbench.util.arguments import checked
from lpbench.util.portable import allowed_cores
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.reference_kernel import DROPPED, environment
from lpbench.worker.requests import BeginInterference, EndInterference, MeasureRoof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lpbench.worker.requests import RoofRates

RUNS = 6
"""Fresh processes for each number of threads: the least whose extremes are an interval of 95 % for their median."""
SECONDS = 0.5
"""Of each run, for the product and again for moving memory."""
BEYOND = 4
"""The array is this many times as large as all caches of the last level together, as STREAM asks for."""
UNKNOWN_CACHE, LEAST_BYTES = 64 << 20, 64 << 20
SHARE = 4
"""A run takes at most one part in so many of the free memory."""


@dataclasses.dataclass(frozen=True)
class RoofRun:
    """One run of the kernels in a process of its own."""

    rates: RoofRates
    disturbed: str


@checked
def roofline(
    *,
    threads: Sequence[int] = (),
    refresh: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Roof:
    """Return the roof of this machine; what is not in the cache is measured, for about ten seconds each.

    :param threads: Numbers of threads that it is wanted for; by default 1 and as many as there are cores.
    :param refresh: Measure again.
    :param progress: Called with what is being done.
    :raises LpbenchError: There are fewer cores, too little memory, or no numpy.
    """
    wanted = tuple(dict.fromkeys(threads)) or default_threads()
    _refuse_missing_cores(wanted)
    numpy, digest = _numpy(), machine.environment()["hashes"]["machine"]
    with _alone(progress):
        known = roof_cache.kept(digest, numpy) or Roof(digest, numpy, "")
        have = {point.threads for point in known.points} if not refresh else set()
        missing = [count for count in wanted if count not in have]
        return _measured(known, missing, progress) if missing else known


def kept_roof(environment: Mapping[str, Any]) -> Roof | Unavailable:
    """Return the roof that was measured earlier on a machine, or that none is kept.

    :param environment: As ``lpbench.machine.environment`` gives it, of a result say.
    """
    digest = (environment.get("hashes") or {}).get("machine")
    numpy = (environment.get("subject") or {}).get("library numpy", {}).get("value")
    remedy = either("lpbench doctor --roofline", "lpbench.roofline()")
    return roof_cache.kept(str(digest), str(numpy)) or Unavailable("not measured yet", "not-read", f"{remedy} does it")


@contextlib.contextmanager
def _alone(progress: Callable[[str], None]) -> Iterator[None]:
    """Keep other processes from measuring meanwhile, since two would disturb each other."""
    folder = atomic_folders.cache_folder() / roof_cache.FOLDER
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # a cache that cannot be written: nobody keeps a roof there
            waiting = "waiting for another process, which is measuring the roof"
            held.enter_context(atomic_folders.locked(folder, "measuring", waiting=lambda: progress(waiting)))
        yield


def default_threads() -> tuple[int, ...]:
    """Return 1 and the number of cores that this process can use; two threads of one core count as one."""
    cores = machine.environment()["machine"]["cores"].get("value")
    usable = machine.usable_cores()
    return tuple(sorted({1, min(cores or usable, usable)}))


def _measured(known: Roof, missing: Sequence[int], progress: Callable[[str], None]) -> Roof:
    """Return a roof with numbers of threads added, which take turns so that they meet the same disturbances."""
    size = _array_bytes()
    runs: dict[int, list[RoofRun]] = {count: [] for count in missing}
    for at in range(RUNS):
        for count in missing:
            progress(f"measuring the roof of {amount(count, 'thread')}, run {at + 1} of {RUNS}")
            runs[count].append(_run(count, size))
    points = [_point(count, found, size) for count, found in runs.items()]
    library = runs[missing[0]][0].rates.blas
    former = known if known.blas == library else dataclasses.replace(known, points=())
    return roof_cache.keep(dataclasses.replace(former, blas=library, points=former.with_points(points)))


def _run(threads: int, array_bytes: int) -> RoofRun:
    options = WorkerOptions(environment(1), last_cores([threads]), drop=DROPPED)
    with Worker(options) as worker:
        worker.request(BeginInterference((os.getpid(),)))
        rates = worker.request(MeasureRoof(threads, array_bytes, SECONDS))
        return RoofRun(rates, str(worker.request(EndInterference()).get("disturbed") or ""))


def _point(threads: int, runs: Sequence[RoofRun], array_bytes: int) -> ThreadRoof:
    names = runs[0].rates.streams
    return ThreadRoof(
        threads=threads,
        cores=last_cores([threads]),
        product=_ceiling([run.rates.product for run in runs]),
        streams={name: _ceiling([run.rates.streams[name] for run in runs]) for name in names},
        array_bytes=array_bytes,
        disturbances=tuple(run.disturbed for run in runs if run.disturbed),
        measured=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
    )


def _ceiling(runs: Sequence[Sequence[float]]) -> Ceiling:
    return Ceiling(tuple(max(run) for run in runs), sum(map(len, runs)))


def _array_bytes() -> int:
    """Return the bytes to move through.

    :raises LpbenchError: There is too little memory.
    """
    size = max(LEAST_BYTES, BEYOND * (machine.last_level_cache() or UNKNOWN_CACHE))
    free = machine.available_memory()
    if free is not None and size > free // SHARE:
        what = f"moving memory beyond the caches takes {amount(size >> 20, 'MiB', 'MiB')}; {free >> 20} MiB are free"
        raise LpbenchError(f"the roof cannot be measured: {what}", hint="end what uses much memory")
    return size


def _numpy() -> str:
    """Return the version of numpy.

    :raises LpbenchError: It is not installed.
    """
    try:
        return metadata.version("numpy")
    except metadata.PackageNotFoundError as error:
        what = "the roof is measured with numpy, which is not installed"
        raise LpbenchError(what, hint="pip install numpy; every plugin with an engine brings it") from error


def _refuse_missing_cores(wanted: Sequence[int]) -> None:
    """Refuse numbers of threads that would share cores.

    :raises LpbenchError: Naming the cores that there are.
    """
    there = len(allowed_cores())
    odd = next((count for count in wanted if not 1 <= count <= there), None)
    if odd is not None:
        what = f"a roof of {amount(odd, 'thread')} takes as many cores; there are {there} here"
        raise LpbenchError(what, where="threads", hint=setting("threads", there))
