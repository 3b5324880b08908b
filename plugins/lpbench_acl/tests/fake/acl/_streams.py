"""Streams and events: what is put on a stream is done when somebody waits for it, and takes modelled time."""

from __future__ import annotations

import ctypes
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from . import _runtime
from ._api import INITIALISED, Refusal, account, api, context, on_loss, state, value, wrong
from ._handles import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._runtime import Context


TASK_FAILED, SYNC_FAILED = 507015, 507015
NOT_RECORDED, NOT_COMPLETE = 507000, 107006
OTHER_CONTEXT = 107003
COMPLETE, PENDING = 0, 1
_FLAGS = 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40


def operator_nanoseconds(index: int) -> int:
    """Return the modelled time of a model's operator."""
    return 1500 + 500 * (index % 3)


class Used(Protocol):
    """What counts the queued work that uses it."""

    pending: int


class Work:
    """A piece of work on a stream.

    :param run: What it does; never called more than once.
    :param uses: What may not end before it: memory, datasets, a model.
    :param nanoseconds: The modelled time.
    """

    __slots__ = ("nanoseconds", "run", "uses")

    def __init__(self, run: Callable[[], None], uses: Sequence[Used], nanoseconds: int) -> None:
        self.run, self.uses, self.nanoseconds = run, uses, nanoseconds
        for each in uses:
            each.pending += 1

    def over(self) -> None:
        """Let go of what it uses."""
        for each in self.uses:
            each.pending -= 1


class Stream:
    """A stream of a context."""

    def __init__(self, owner: Context) -> None:
        self.owner = owner
        self.handle = 0
        self.queue: deque[Work] = deque()
        self.device = _runtime.devices[owner.device]

    @property
    def stuck(self) -> bool:
        return not streams.left([self])

    def put(self, work: Work) -> None:
        """Put work behind what is there."""
        self.queue.append(work)

    def step(self) -> None:
        """Do the next piece of work."""
        work = self.queue.popleft()
        work.over()
        self.device.clock += work.nanoseconds
        try:
            work.run()
        except Refusal:
            self.discard()
            raise
        except Exception as error:
            self.discard()
            told = traceback.format_exception_only(type(error), error)[-1].strip()
            raise Refusal(TASK_FAILED, f"EZ9999: Inner Error! The aicore execution failed: {told}") from error

    def drain(self) -> None:
        """Do everything that is there."""
        while self.queue:
            self.step()

    def discard(self) -> None:
        """Do nothing of it."""
        while self.queue:
            self.queue.popleft().over()


class Event:
    """A point in a stream."""

    def __init__(self, flag: int) -> None:
        self.flag = flag
        self.stream: Stream | None = None
        self.waiting: Work | None = None
        """the record that is not reached yet"""
        self.time = 0

    def record(self, stream: Stream) -> None:
        """Put itself on a stream."""
        self.stream = stream
        work = Work(lambda: self._reached(work), (), 0)
        self.waiting = work
        stream.put(work)

    def _reached(self, work: Work) -> None:
        if self.waiting is work and self.stream:
            self.waiting = None
            self.time = self.stream.device.clock

    def wait(self) -> None:
        """Do what stands before it on its stream."""
        while self.waiting and self.stream and self.stream.queue:
            self.stream.step()


streams: Table[Stream] = Table("stream", OTHER_CONTEXT)


@on_loss.append
def _discard_all() -> None:
    for each in streams.left():
        each.discard()


events: Table[Event] = Table("event")


def stream(handle: int) -> Stream:
    """Return a stream of the current context; 0 stands for the context's own."""
    current = context()
    if not handle:
        if current.default is None:
            current.default = Stream(current)
        return current.default  # type: ignore[no-any-return]  # contexts know nothing of streams
    found = streams[handle]
    if found.owner is not current:
        raise wrong("the stream belongs to another context", OTHER_CONTEXT)
    return found


def _new_stream() -> int:
    current = context()
    made = Stream(current)
    made.handle = streams.add(made)
    current.streams.append(made)
    return made.handle


def _fail_stream(handle: int, *_: Any) -> None:
    """Leave nothing that is still to be done: the wait for it failed."""
    found = streams.find(handle) if handle else context().default
    if found is not None:
        found.discard()


def _fail_event(handle: int, *_: Any) -> None:
    found = events.find(handle)
    if found and found.stream:
        found.stream.discard()


def _drop_stream(handle: int) -> None:
    if found := streams.find(handle):
        found.discard()
        found.owner.streams.remove(found)
        streams.drop(handle)


@api("acl.rt.create_stream", "", value(0))
def create_stream() -> int:
    return _new_stream()


@api("+acl.rt.create_stream_with_config", "II", value(0))
def create_stream_with_config(priority: int, flag: int) -> int:
    if flag & ~3:
        raise wrong(f"flag {flag:#x}")
    return _new_stream()


@api("acl.rt.destroy_stream", "k", failed=streams.stick, dropped=_drop_stream)
def destroy_stream(handle: int) -> None:
    found = stream(handle)
    if not handle:
        raise wrong("the default stream cannot be destroyed")
    busy = bool(found.queue)
    _drop_stream(handle)
    if busy:
        raise wrong("stream destroyed while work on it is pending")


@api("acl.rt.synchronize_stream", "k", code=SYNC_FAILED, failed=_fail_stream, dropped=_fail_stream)
def synchronize_stream(handle: int) -> None:
    stream(handle).drain()


@api("+acl.rt.synchronize_stream_with_timeout", "ki", code=507046, failed=_fail_stream, dropped=_fail_stream)
def synchronize_stream_with_timeout(handle: int, milliseconds: int) -> None:
    stream(handle).drain()


@api("+acl.rt.stream_wait_event", "kk")
def stream_wait_event(handle: int, event: int) -> None:
    found = events[event]
    if found.stream is None:
        raise wrong("a stream waits for an event that was never recorded")
    stream(handle).put(Work(found.wait, (), 0))


@api("acl.rt.create_event", "", value(0))
def create_event() -> int:
    return events.add(Event(0x8))


@api("+acl.rt.create_event_with_flag", "I", value(0))
def create_event_with_flag(flag: int) -> int:
    if not flag or flag & ~_FLAGS:
        raise wrong(f"flag {flag:#x}")
    return events.add(Event(flag))


@api("acl.rt.destroy_event", "k", failed=events.stick, dropped=events.drop)
def destroy_event(handle: int) -> None:
    events.remove(handle)


@api("acl.rt.record_event", "kk")
def record_event(handle: int, on: int) -> None:
    events[handle].record(stream(on))


@api("acl.rt.synchronize_event", "k", code=SYNC_FAILED, failed=_fail_event, dropped=_fail_event)
def synchronize_event(handle: int) -> None:
    found = events[handle]
    if found.stream is None:
        raise wrong("waits for an event that was never recorded", NOT_RECORDED)
    found.wait()


def _status(handle: int) -> bool:
    """Return whether an event is reached; each question lets the device do one piece of work."""
    found = events[handle]
    if found.waiting and found.stream and found.stream.queue:
        found.stream.step()
        return False
    return True


@api("acl.rt.query_event", "k", value(0))
def query_event(handle: int) -> int:
    return COMPLETE if _status(handle) else PENDING


@api("+acl.rt.query_event_status", "k", value(0))
def query_event_status(handle: int) -> int:
    return int(_status(handle))


@api("acl.rt.event_elapsed_time", "kk", value(0.0))
def event_elapsed_time(start: int, end: int) -> float:
    found = [events[start], events[end]]
    for each in found:
        if each.stream is None:
            raise wrong("event recorder null: the event was never recorded", NOT_RECORDED)
        if each.waiting:
            raise wrong("the event is not reached yet: nobody waited for it", NOT_COMPLETE)
        if not each.flag & 0x8:
            raise wrong("the event keeps no time", NOT_COMPLETE)
    if found[0].stream is not found[1].stream:
        account.misuse("acl.rt.event_elapsed_time", "the events were recorded on different streams")
    return ctypes.c_float((found[1].time - found[0].time) / 1e6).value


__all__ = ["INITIALISED", "Stream", "Work", "state", "stream"]
