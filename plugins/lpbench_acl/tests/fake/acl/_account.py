"""The account of a process, for tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ._api import account, lock, reread, state, thread
from ._data import buffers, datasets, descriptions
from ._memory import memory
from ._models import forget_models, model_descriptions, models
from ._publish import publish
from ._runtime import contexts, devices
from ._streams import events, streams

if TYPE_CHECKING:
    from ._handles import Table

_TABLES: tuple[Table[Any], ...] = (buffers, datasets, descriptions, model_descriptions, events)


def settings() -> None:
    """Read the environment again."""
    with lock:
        reread()
        publish(sys.modules["acl"])


def begin() -> None:
    """Begin a new account: what was asked to stay behind is forgotten."""
    with lock:
        account.begin()
        state.calls = 0
        thread.message = None
        for stream in streams.forget():
            stream.discard()
            stream.owner.streams.remove(stream)
        forget_models()
        for context in contexts.forget():
            context.alive = False
        for table in _TABLES:
            table.forget()
        memory.forget()
        for device in devices.values():
            if device.stuck:
                device.uses, device.stuck = 0, False
                device.context.alive = False
        settings()


def report() -> str:
    """Return the account so far, as JSON lines."""
    with lock:
        return account.report()


def reset() -> None:
    """End everything that is there, whoever forgot it; a test that broke the rules leaves a runtime like new."""
    with lock:
        for table in (*_TABLES, streams, models, contexts):
            table.end_all()
        memory.end_all()
        devices.clear()
        thread.context = None
        state.initialised = 0
        begin()
