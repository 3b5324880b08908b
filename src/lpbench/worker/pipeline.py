"""Pipelines of an open app: one component, a chain of components, batches, or several streams in parallel.

A pipeline measures *lots*: a lot is one sample, or the samples of one batch.
"""

from __future__ import annotations

import abc
import functools
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.results.stages import READS
from lpbench.util.processes import cannot_start
from lpbench.worker.device_memory import device_memory
from lpbench.worker.statements import facts
from lpbench.worker.timed_loop import clock_reads, collector_off, time_chain, time_samples

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Session
    from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample
    from lpbench.worker.requests import DeviceMemory

T = TypeVar("T")

Batch = Any
"""A ``Sample``, or a list of samples where a pipeline runs batches."""


@dataclass(frozen=True)
class OpenComponent:
    """One open component.

    :param name: The component's name.
    :param engine: Name of the engine that runs it; empty if an instance was passed.
    """

    name: str
    session: Session
    pre: Preprocessor[Any]
    post: Postprocessor[Any]
    engine: str = ""


class Pipeline(abc.ABC):
    """An app that is open."""

    components: tuple[str, ...] = ()
    """Names of a chain's components, whose stages are timed separately; empty for a single component."""
    batch = 1
    """Samples in a lot."""

    @abc.abstractmethod
    def time(self, batches: Sequence[Batch], clock: Callable[[], int]) -> array[int]:
        """Run lots and return the clock reads, ``reads_of(components)`` for each."""

    def time_cpu(self, batches: Sequence[Batch]) -> array[int]:
        """Run lots as ``time`` does, and return CPU time of all threads instead of wall time."""
        return self.time(batches, time.process_time_ns)

    @abc.abstractmethod
    def predictions(self, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        """Yield the prediction of each sample, as the postprocessors describe it; not timed."""

    @abc.abstractmethod
    def types(self, lot: Batch) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return a lot's feeds and outputs by component; a single component has an empty name."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the session's description; a chain adds that of each component under ``components``."""

    @abc.abstractmethod
    def device_memory(self) -> dict[str, DeviceMemory]:
        """Return the device memory that engines know of by component; a single component has an empty name."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free the sessions' resources."""

    def in_session_thread(self, call: Callable[[], T]) -> T:
        """Return what a call returns, made in the thread to which the first session belongs."""
        return call()


class Single(Pipeline):
    """One component: three stages, one after the other."""

    def __init__(self, part: OpenComponent) -> None:
        self.part = part
        self._pre, self._run, self._post = part.pre, part.session.run, part.post

    def time(self, batches: Sequence[Batch], clock: Callable[[], int]) -> array[int]:
        """Run samples and return their clock reads."""
        reads = clock_reads(len(batches))
        with collector_off():
            time_samples(self._pre, self._run, self._post, batches, reads, clock=clock)
        return reads

    def time_shared(self, batches: Iterator[Batch], most: int, clock: Callable[[], int]) -> array[int]:
        """Run lots from an iterator that other threads take from too; at most ``most`` are left."""
        reads = clock_reads(most)
        done = time_samples(self._pre, self._run, self._post, batches, reads, clock=clock)
        del reads[done * READS :]
        return reads

    def predictions(self, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        """Yield each sample's prediction."""
        for sample in samples:
            yield dict(self._post.describe(self._post(self._run(self._pre(sample)), sample)))

    def types(self, lot: Batch) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return feeds and outputs."""
        feeds = self._pre(lot)
        return {"": (feeds, self._run(feeds))}

    def describe(self) -> dict[str, Any]:
        """Return the session's description."""
        return facts(self.part.session, self.part.engine)

    def device_memory(self) -> dict[str, DeviceMemory]:
        """Return what the session's engine knows."""
        return {"": device_memory(self.part.session, self.part.engine)}

    def close(self) -> None:
        """Close the session."""
        self.part.session.close()


class Chain(Pipeline):
    """Components one after the other; each processes the items that the one before found.

    :param engine: The requested engine; components whose models it does not read run on other engines.
    """

    def __init__(self, parts: Sequence[OpenComponent], engine: str = "") -> None:
        self.parts = tuple(parts)
        self._engine = engine
        self.components = tuple(part.name for part in parts)
        self._steps = [
            (_itself if index == 0 else part.pre.items, part.pre, part.session.run, part.post)
            for index, part in enumerate(parts)
        ]

    def time(self, batches: Sequence[Batch], clock: Callable[[], int]) -> array[int]:
        """Run samples and return their clock reads."""
        reads = clock_reads(len(batches), len(self.parts))
        with collector_off():
            time_chain(self._steps, batches, reads, clock=clock)
        return reads

    def predictions(self, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        """Yield the first component's prediction, with those of later components under their names."""
        for sample in samples:
            part = self.parts[0]
            prediction = part.post(part.session.run(part.pre(sample)), sample)
            yield {**part.post.describe(prediction), **self._later(1, sample, prediction)}

    def _later(self, index: int, sample: Sample, prediction: Any) -> dict[str, Any]:
        if index == len(self.parts):
            return {}
        part, records = self.parts[index], []
        for item in part.pre.items(sample, prediction):
            inner = part.post(part.session.run(part.pre(item)), item)
            records.append({"item": item.item, **part.post.describe(inner), **self._later(index + 1, item, inner)})
        return {part.name: records}

    def types(self, lot: Batch) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return feeds and outputs of each component that had an item to process."""
        kept: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        parents: list[tuple[Any, Any]] = [(lot, None)]
        for part, (items, pre, run, post) in zip(self.parts, self._steps, strict=True):
            current = [item for sample, prediction in parents for item in items(sample, prediction)]
            parents = []
            for item in current:
                feeds = pre(item)
                outputs = run(feeds)
                kept[part.name] = (feeds, outputs)
                parents.append((item, post(outputs, item)))
        return kept

    def describe(self) -> dict[str, Any]:
        """Return the description of the requested engine's first session, and those of all under ``components``."""
        every = {part.name: {"engine": part.engine, **facts(part.session, part.engine)} for part in self.parts}
        own = next((part for part in self.parts if part.engine == self._engine), self.parts[0])
        return {**facts(own.session, own.engine), "components": every}

    def device_memory(self) -> dict[str, DeviceMemory]:
        """Return what the engine of each component knows."""
        return {part.name: device_memory(part.session, part.engine) for part in self.parts}

    def close(self) -> None:
        """Close every session."""
        for part in self.parts:
            part.session.close()


class Streams(Pipeline):
    """Several pipelines of one component in parallel, each opened and run by a thread of its own.

    :param build: Opens one pipeline.
    """

    def __init__(self, build: Callable[[], Single], count: int) -> None:
        self._threads = [ThreadPoolExecutor(1, f"stream-{index}") for index in range(count)]
        self._lanes: list[Single] = []
        try:
            opened = [thread.submit(build) for thread in self._threads]
        except RuntimeError as error:  # the system starts no more threads
            raise cannot_start(f"{count} streams", error) from error
        try:
            self._lanes += [each.result() for each in opened]
        except BaseException:
            self.close()
            raise
        self.batch = self._lanes[0].batch

    @property
    def first(self) -> OpenComponent:
        """The component of the first stream."""
        return self._lanes[0].part

    def time(self, batches: Sequence[Batch], clock: Callable[[], int]) -> array[int]:
        """Let every stream take lots until none are left."""
        shared = iter(batches)
        with collector_off():
            running = [
                thread.submit(lane.time_shared, shared, len(batches), clock)
                for thread, lane in zip(self._threads, self._lanes, strict=True)
            ]
            reads, *more = (each.result() for each in running)
        for each in more:
            reads.extend(each)
        return reads

    def time_cpu(self, batches: Sequence[Batch]) -> array[int]:
        """Measure CPU time of the first stream alone: the clock would add the time of the other streams."""
        return self.in_session_thread(lambda: self._lanes[0].time_cpu(batches))

    def predictions(self, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        """Yield each sample's prediction, all by the first stream."""
        rest = iter(samples)
        while lot := list(itertools.islice(rest, self.batch)):
            yield from self.in_session_thread(functools.partial(self._predicted, lot))

    def types(self, lot: Batch) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return feeds and outputs of the first stream."""
        return self.in_session_thread(lambda: self._lanes[0].types(lot))

    def describe(self) -> dict[str, Any]:
        """Return the first session's description."""
        return self.in_session_thread(self._lanes[0].describe)

    def device_memory(self) -> dict[str, DeviceMemory]:
        """Return what the engine knows of the first session."""
        return self.in_session_thread(self._lanes[0].device_memory)

    def close(self) -> None:
        """Close each session in its thread."""
        for thread, lane in zip(self._threads, self._lanes, strict=False):
            thread.submit(lane.close).result()
        self._lanes = []
        for thread in self._threads:
            thread.shutdown()

    def _predicted(self, lot: Sequence[Sample]) -> list[dict[str, Any]]:
        return list(self._lanes[0].predictions(lot))

    def in_session_thread(self, call: Callable[[], T]) -> T:
        """Return what a call returns, made in the thread of the first stream."""
        return self._threads[0].submit(call).result()


def _itself(sample: Sample, _: object) -> tuple[Sample]:
    return (sample,)
