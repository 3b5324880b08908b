"""Asks a session for the device memory that its engine knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.util.text import abridge
from lpbench.worker import engine_faults
from lpbench.worker.requests import DeviceMemory
from lpbench.worker.statements import whole_numbers

if TYPE_CHECKING:
    from lpbench.plugin.engine import Session

LONGEST = 2_000
"""Characters of a reason."""
SILENT = "the engine does not tell"


def device_memory(session: Session, engine: str) -> DeviceMemory:
    """Return a session's device memory by use, or why it is not known: an engine that fails to tell loses that alone.

    :param engine: Its name; empty for an instance that the caller passed.
    """
    try:
        with engine_faults.told(engine, "memory"):
            found = session.memory()
        return DeviceMemory(None, SILENT) if found is None else DeviceMemory(whole_numbers(found, "memory()", engine))
    except LpbenchError as error:
        return DeviceMemory(None, abridge(error.what, LONGEST))
    except Exception as error:  # noqa: BLE001 - an instance's own, which nobody has put into words
        return DeviceMemory(None, abridge(f"memory() raised {type(error).__name__}: {error}", LONGEST))
