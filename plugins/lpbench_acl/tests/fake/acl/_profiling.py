"""Profiling: times of operators, sent through a pipe to whoever subscribed."""

from __future__ import annotations

import ctypes
import itertools
import os
import queue
import struct
import threading
from typing import NamedTuple

from ._api import INITIALISED, INVALID, Refusal, account, api, bare, value, wrong
from ._handles import Table
from ._models import BAD_MODEL, Model, models
from ._streams import operator_nanoseconds

ALREADY, CONFLICT = 148046, 148047
_RECORD = struct.Struct("<IIQQQQ40x")
"""Number of the operator, model, start, end and duration in microseconds, a spare word."""
_LONGEST = 4096


class Configuration(NamedTuple):
    """What a subscription asks for."""

    times: int
    metrics: int
    pipe: int


class Subscription:
    """A model's operators, told through a pipe by a thread of its own."""

    def __init__(self, model: Model, pipe: int) -> None:
        self.model, self.pipe = model, pipe
        self._records: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def executed(self, time: int) -> None:
        """Tell of an execution that began at this microsecond."""
        told = bytearray()
        for index, (name, kind) in enumerate(self.model.program.operators):
            lasted = operator_nanoseconds(index) // 1000
            told += _RECORD.pack(_number(name, kind), self.model.number, time, time + lasted, lasted, 0)
            time += lasted
        self._records.put(bytes(told))

    def end(self) -> None:
        """Send what is there; then the pipe is closed."""
        self._records.put(None)

    def _write(self) -> None:
        while (content := self._records.get()) is not None:
            rest = memoryview(content)
            try:
                while rest:
                    rest = rest[os.write(self.pipe, rest) :]
            except OSError:  # nobody reads any more
                break
        os.close(self.pipe)


_numbers = itertools.count(1)
_names: tuple[dict[int, str], dict[int, str]] = {}, {}
"""Names and types by a record's number, each until it is told."""


def _number(name: str, kind: str) -> int:
    number = next(_numbers) % (1 << 32)
    _names[0][number], _names[1][number] = name, kind
    return number


_subscriptions: dict[int, Subscription] = {}
"""By the number of the model, which may be unloaded before."""
configurations: Table[Configuration] = Table("subscription configuration")


@api("acl.prof.create_subscribe_config", "bii", bare(0), needs=INITIALISED)
def create_subscribe_config(times: int, metrics: int, pipe: int) -> int:
    return configurations.add(Configuration(times, metrics, pipe))


@api("acl.prof.destroy_subscribe_config", "k", needs=INITIALISED, failed=configurations.stick)
def destroy_subscribe_config(handle: int) -> None:
    configurations.remove(handle)


@api("acl.prof.model_subscribe", "Ik", needs=INITIALISED)
def model_subscribe(number: int, handle: int) -> None:
    model, asked = models[number], configurations[handle]
    if number in _subscriptions:
        raise Refusal(ALREADY, f"EK0001: model {number} is subscribed already")
    if model.pending:
        raise wrong("subscribed while the model executes")
    try:
        os.fstat(asked.pipe)
    except OSError:
        raise wrong(f"{asked.pipe} is not open") from None
    model.subscription = _subscriptions[number] = Subscription(model, asked.pipe)
    account.made("subscription", number)


def _unsubscribe(number: int) -> None:
    if number not in _subscriptions:
        raise Refusal(BAD_MODEL, f"EK0001: model {number} is not subscribed")
    found = _subscriptions.pop(number)
    account.gone("subscription", number)
    found.model.subscription = None
    found.end()
    if found.model.pending:
        raise wrong("unsubscribed while work of the model is pending")


api("acl.prof.model_un_subscribe", "I", needs=INITIALISED)(_unsubscribe)
api("+acl.prof.model_unsubscribe", "I", needs=INITIALISED)(_unsubscribe)


@api("acl.prof.get_op_desc_size", "", value(0), needs=INITIALISED)
def get_op_desc_size() -> int:
    return _RECORD.size


def _records(address: int, size: int) -> int:
    if not address or not size or size % _RECORD.size:
        raise wrong(f"{size} bytes are no records of {_RECORD.size}")
    return size // _RECORD.size


@api("acl.prof.get_op_num", "kk", value(0), needs=INITIALISED)
def get_op_num(address: int, size: int) -> int:
    return _records(address, size)


def _record(address: int, size: int, index: int) -> tuple[int, ...]:
    count = _records(address, size)
    if index >= count:
        raise wrong(f"record {index} of {count}")
    return _RECORD.unpack(ctypes.string_at(address + index * _RECORD.size, _RECORD.size))


def _text(which: int, label: str) -> None:
    """Make the functions that tell a name or a type."""
    names = _names[which]

    def number(address: int, size: int, index: int) -> int:
        found = _record(address, size, index)[0]
        if found not in names:
            raise wrong(f"a {label} that was told before, or is of another process")
        return found

    def whole(address: int, size: int, index: int) -> str:
        return names.pop(number(address, size, index))

    def cut(address: int, size: int, index: int, most: int) -> str:
        if most > _LONGEST:
            raise Refusal(INVALID, f"EK0001: {most} is longer than {_LONGEST}")
        found = number(address, size, index)
        if len(names[found]) >= most:
            raise Refusal(INVALID, f"EK0001: {len(names[found])} characters do not fit into {most}")
        return names.pop(found)

    def length(address: int, size: int, index: int) -> int:
        return len(names[number(address, size, index)]) + 1

    api(f"acl.prof.get_op_{label}", "kkII", value(""), needs=INITIALISED)(cut)
    api(f"acl.prof.get_op_{label}_len", "kkI", value(0), needs=INITIALISED)(length)
    api(f"+acl.prof.get_op_{label}_v2", "kkI", value(None), needs=INITIALISED)(whole)


_text(0, "name")
_text(1, "type")


def _figure(label: str, place: int) -> None:
    """Make a function that tells a number of a record."""

    def found(address: int, size: int, index: int) -> int:
        return _record(address, size, index)[place]

    api(f"acl.prof.get_{label}", "kkI", bare(0), needs=INITIALISED)(found)


for _label, _place in (("model_id", 1), ("op_start", 2), ("op_end", 3), ("op_duration", 4)):
    _figure(_label, _place)
