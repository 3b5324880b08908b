"""What this process sees of the machine, and what plugins find on it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.errors import WorkerError
from lpbench.plugin.specs import load
from lpbench.util.unavailable import Unavailable
from lpbench.worker.statements import PROBED, stated

if TYPE_CHECKING:
    from lpbench.worker.requests import (
        AvailableMemory,
        BeginInterference,
        EndInterference,
        Probe,
        ReadEnvironment,
        Record,
    )


class MachineHandlers:
    """Reads the machine; ``lpbench.machine`` is imported when it is asked for."""

    def __init__(self) -> None:
        self._before: Any = None
        self._others: tuple[int, ...] = ()

    def available_memory(self, request: AvailableMemory) -> int | None:
        """Return the bytes of memory that further workers may take."""
        from lpbench import machine

        return machine.available_memory()

    def begin_interference(self, request: BeginInterference) -> None:
        """Begin to watch what others do to the machine."""
        from lpbench import machine

        self._before = machine.snapshot(request.others)
        self._others = request.others

    def end_interference(self, request: EndInterference) -> Record:
        """Return what others did since, with the reason why it counts as disturbed."""
        from lpbench import machine

        if self._before is None:
            raise WorkerError("recording of interference was not begun")
        found = machine.between(self._before, machine.snapshot(self._others))
        values = {item.name: getattr(found, item.name) for item in dataclasses.fields(found)}
        known = {name: None if isinstance(value, Unavailable) else value for name, value in values.items()}
        return {**known, "disturbed": found.disturbed()}

    def environment(self, request: ReadEnvironment) -> Record:
        """Return what ``lpbench.machine`` sees from this process."""
        from lpbench import machine

        return machine.environment()

    def probe(self, request: Probe) -> Any:
        """Call a plugin's probe: it loads the vendor's library and looks for devices."""
        return stated(load(request.target, who=request.name)(), PROBED, "its probe's answer", f'"{request.name}"')
