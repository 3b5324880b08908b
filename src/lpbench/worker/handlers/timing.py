"""Times what is open, slice by slice."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lpbench.errors import EngineError, LpbenchError
from lpbench.machine.process_memory import memory
from lpbench.plugin.kit import narrow_floats
from lpbench.results.stages import durations, within
from lpbench.util.portable import allowed_cores, binds_to_cores, growth, usage
from lpbench.util.text import brief
from lpbench.util.threads import ThreadTime, thread_times
from lpbench.worker.requests import ClockReads, FirstSample, PinnedThreads, Slice, StagePeaks
from lpbench.worker.session_builder import components_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Sequence

    from lpbench.plugin.engine import TensorInfo
    from lpbench.worker.open_app import OpenApp
    from lpbench.worker.pipeline import Batch, Pipeline
    from lpbench.worker.requests import (
        BreakDownLatency,
        MeasureCpuSlice,
        MeasureSlice,
        MeasureStageMemory,
        PinThreads,
        RunFirstSample,
    )

EXPLAINED = 1000
"""Samples that the latency is broken down over, at most."""
BUSY = 0.25
"""A thread computes if it has used this share of what the busiest has."""
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8E4M3",
    "float8_e5m2": "F8E5M2",
    "int64": "S64",
    "int32": "S32",
    "int16": "S16",
    "int8": "S8",
    "uint8": "U8",
    "bool": "B",
}
"""The glossary's words for types."""


class TimingHandlers:
    """Runs samples between clock reads."""

    def __init__(self, app: OpenApp) -> None:
        self._app = app

    def first(self, request: RunFirstSample) -> FirstSample:
        """Run the first sample, and put what is there out of the garbage collector's sight."""
        pipeline = self._app.pipeline
        batches = self._take(1)
        try:
            reads = pipeline.time(batches, time.perf_counter_ns)
        except LpbenchError:
            raise
        except Exception:  # outputs are checked only on failure, since each check would be timed
            _feeds_and_outputs(pipeline, batches[0])
            raise
        types, empty = {}, {}
        parts = {part.name if pipeline.components else "": part.session for part in components_of(pipeline)}
        for name, (feeds, outputs) in _feeds_and_outputs(pipeline, batches[0]).items():
            session = parts[name]
            empty.update({within(name, key) if name else key: shape for key, shape in _empty(feeds)})
            for stage, tensors, infos in (
                ("preprocessing", feeds, session.inputs),
                ("postprocessing", outputs, session.outputs),
            ):
                types[within(name, stage) if name else stage] = _types(tensors, infos)
        gc.collect()
        gc.freeze()  # what is there now stays; collections between slices need not look at it again
        self._app.when_closing(gc.unfreeze)
        spent = durations(reads, pipeline.components)
        return FirstSample({stage: values[0] for stage, values in spent.items()}, types, empty)

    def measure(self, request: MeasureSlice) -> Slice:
        """Time samples, or batches of them; counters are read around each block of samples that is decoded ahead."""
        pipeline = self._app.pipeline
        before = usage()
        reads, wall_ns, cpu_ns = self._timed(
            request.count, lambda batches: pipeline.time(batches, time.perf_counter_ns)
        )
        after = usage()
        return Slice(
            wall_ns=wall_ns,
            cpu_ns=cpu_ns,
            switches=growth(before.involuntary_switches, after.involuntary_switches),
            faults=growth(before.major_faults, after.major_faults),
            rss_bytes=memory()["rss_bytes"],
            block=reads,
        )

    def measure_cpu(self, request: MeasureCpuSlice) -> ClockReads:
        """Take the CPU time of all threads."""
        reads, _, _ = self._timed(request.count, self._app.pipeline.time_cpu)
        return ClockReads(reads)

    def stage_memory(self, request: MeasureStageMemory) -> StagePeaks:
        """Run samples stage by stage and return the memory that each stage takes."""
        from lpbench.worker import stage_memory

        if not stage_memory.resets():
            return StagePeaks({}, "the kernel does not reset the high-water mark of memory (/proc/self/clear_refs)")
        pipeline = self._app.pipeline
        parts, batches = components_of(pipeline), self._take(request.count)
        self._app.keep_peak()  # resetting the mark would lose it
        measured = pipeline.in_session_thread(
            lambda: stage_memory.measure(parts, batches, chain=bool(pipeline.components))
        )
        return StagePeaks(measured)

    def pin_threads(self, request: PinThreads) -> PinnedThreads:
        """Keep each thread that computes on a core of its own from now on, where there are as many as cores.

        Of more cores the system chooses better: they may be large and small, or two halves of one.
        """
        before = thread_times()
        self._timed(request.count, lambda batches: self._app.pipeline.time(batches, time.perf_counter_ns))
        spent = {
            thread: after.ran - before.get(thread, ThreadTime(0, 0)).ran for thread, after in thread_times().items()
        }
        most = max(spent.values(), default=0)
        busy = [thread for thread, used in sorted(spent.items()) if used > BUSY * most]
        cores = allowed_cores()
        if not (binds_to_cores() and 1 < len(busy) == len(cores)):
            return PinnedThreads(len(busy), ())
        for thread, core in zip(busy, cores, strict=True):
            with contextlib.suppress(OSError):  # it has just ended
                os.sched_setaffinity(thread, {core})
        return PinnedThreads(len(busy), tuple(cores))

    def explain(self, request: BreakDownLatency) -> Mapping[str, float]:
        """Break the latency down, as ``lpbench.worker.breakdown`` does."""
        from lpbench.worker.breakdown import explain

        part = self._app.component
        return explain(part.session, part.pre, part.post, list(self._app.samples.each(EXPLAINED)), request.seconds)

    def _timed(self, count: int, measure: Callable[[Sequence[Any]], array[int]]) -> tuple[bytes, int, int]:
        """Time samples that are decoded ahead; return the reads, and wall and CPU time inside the region.

        Both clocks leave decoding out: their ratio is the load while samples run.
        """
        blocks: list[bytes] = []
        wall_ns = cpu_ns = 0
        while count > 0:
            batches = self._take(count)
            begun_cpu, begun = time.process_time_ns(), time.perf_counter_ns()
            reads = measure(batches)
            wall_ns += time.perf_counter_ns() - begun
            cpu_ns += time.process_time_ns() - begun_cpu
            if sys.byteorder == "big":  # the wire is little-endian
                reads.byteswap()
            blocks.append(reads.tobytes())
            count -= len(batches)
        return b"".join(blocks), wall_ns, cpu_ns

    def _take(self, count: int) -> Sequence[Any]:
        batch, samples = self._app.pipeline.batch, self._app.samples
        return samples.take(count) if batch == 1 else samples.batches(count, batch)


def _empty(feeds: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and the shape of each array without a value."""
    shapes = ((name, tuple(map(int, getattr(array, "shape", ())))) for name, array in feeds.items())
    return ((name, shape) for name, shape in shapes if 0 in shape)


def _feeds_and_outputs(pipeline: Pipeline, batch: Batch) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the feeds and outputs of a batch by component.

    :raises EngineError: Naming an engine that returns no outputs by name; a postprocessor would say that it failed.
    """
    engines = {part.name if pipeline.components else "": part.engine for part in components_of(pipeline)}
    found = pipeline.types(batch)
    for name, (_, outputs) in found.items():
        answer: object = outputs  # whatever the plugin's types promise
        if not isinstance(answer, Mapping):
            what = f'engine "{engines[name]}" returns {brief(answer)} from run(); expected outputs by name'
            raise EngineError(what)
    return found


def _types(tensors: Mapping[str, Any], infos: Sequence[TensorInfo]) -> str:
    """Return the glossary's words for the types of some tensors; integers may be the bits of floats."""
    narrow = {info.name: info.dtype for info in infos if info.dtype in narrow_floats.BITS}
    names = {
        narrow.get(name) or str(getattr(tensor, "dtype", type(tensor).__name__)) for name, tensor in tensors.items()
    }
    return "/".join(sorted(DTYPES.get(name, name) for name in names))
