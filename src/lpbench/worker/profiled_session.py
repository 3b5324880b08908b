"""A session that is timed from outside while it profiles itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin.engine import Session
from lpbench.util.jsonable import whole_text
from lpbench.util.text import abridge, words_of
from lpbench.worker.statements import whole_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.plugin.engine import Feeds, Outputs

LONGEST = 2_000
"""Characters of a reason that are kept."""
NO_SPANS = "the engine does not tell"


class ProfiledSession(Session):
    """A session opened with ``profile=True``; each run is timed, and the device's spans are read after it.

    :param engine: Its engine's name, for errors.
    """

    def __init__(self, session: Session, engine: str) -> None:
        self.inputs, self.outputs = getattr(session, "inputs", ()), getattr(session, "outputs", ())
        self.engine = engine
        self.times_ns: list[int] = []
        self.spans: list[Mapping[str, int]] = []
        self.spans_reason = ""
        self._session = session

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; what is asked afterwards is outside of its time."""
        begun = time.perf_counter_ns()
        outputs = self._session.run(feeds)
        self.times_ns.append(time.perf_counter_ns() - begun)
        if not self.spans_reason:
            self._read_spans()
        return outputs

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def describe(self) -> Mapping[str, Any]:
        """Return what the session says of itself."""
        return self._session.describe()

    def memory(self) -> Mapping[str, int] | None:
        """Return what the session knows of its device's memory."""
        return self._session.memory()

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the device's spans of the last run."""
        return self._session.device_spans()

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return the session's records of layers."""
        return self._session.profile()

    def _read_spans(self) -> None:
        """Keep the spans of the last run; an engine that fails to tell loses all, and is not asked again."""
        try:
            found = self.device_spans()
            if found is not None:
                self.spans.append(whole_numbers(found, "device_spans()", self.engine))
                return
            self.spans_reason = NO_SPANS
        except Exception as error:  # noqa: BLE001 - whatever it is, the profile goes on
            self.spans_reason = reason_of(error, "device_spans", self.engine)
        self.spans = []


def profiled(opens: Callable[..., Session], engine: str) -> Callable[..., Session]:
    """Return what opens sessions with their profile, from what opens them without."""
    return lambda **how: ProfiledSession(opens(**how, profile=True), engine)


def reason_of(error: Exception, call: str, engine: str) -> str:
    """Return in words why a session did not tell: the engine's own, if it gave a reason."""
    if isinstance(error, LpbenchError):
        words = "; ".join(filter(None, (error.what, error.hint)))
    else:
        words = f'raised {type(error).__name__} in {call}() of engine "{engine}": {words_of(error, LONGEST)}'
    return abridge(whole_text(words), LONGEST)
