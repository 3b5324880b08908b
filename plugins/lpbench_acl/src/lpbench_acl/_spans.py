"""The device's own times of the parts of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from lpbench.plugin.kit.device_session import SPANS, spans

if TYPE_CHECKING:
    from lpbench_acl._calls import Step
    from lpbench_acl._lane import Lane

NANO_PER_MS: Final = 1e6


class Marks:
    """Events between the parts of a run, of which the NPU keeps the times.

    :param lane: Its stream carries all of a run's work; its memory takes over the events.
    """

    def __init__(self, lane: Lane) -> None:
        self._calls = lane.calls
        self._events = [_event(lane) for _ in (*SPANS, "end")]
        self.steps: list[Step] = [lane.calls.prepared("rt.record_event", mark, lane.stream) for mark in self._events]

    def spans(self) -> dict[str, int]:
        """Return the nanoseconds of each part of the last run, which is complete.

        :raises AclError: AscendCL does not tell.
        """
        return spans(self._events, self._elapsed_ns)

    def _elapsed_ns(self, begin: int, end: int) -> int:
        ms = self._calls.call("rt.event_elapsed_time", begin, end)
        if not isinstance(ms, (float, int)) or not math.isfinite(ms):
            raise self._calls.refused("rt.event_elapsed_time", ms)
        return max(0, round(ms * NANO_PER_MS))


def _event(lane: Lane) -> int:
    made = lane.calls.handle("rt.create_event")
    lane.memory.add(lane.calls.prepared("rt.destroy_event", made))
    return made
