"""The formats of /proc.  Tested on fixtures: arbitrary texts."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from plugins.lpbench_monitors.tests.proc_files import PID

from lpbench.plugin.monitor import MonitorTarget, Reading, Unavailable
from lpbench_monitors._host import HostMonitor
from lpbench_monitors._proc import machine_stat, named_counts, process_stat, switches

LINES = st.lists(st.text(st.sampled_from("cpu0123456789 :-.kB()\nVmRSS\tvoluntary_ctxt_switchesnon"), max_size=60)).map(
    "\n".join
)
TEXTS = st.text() | LINES


@given(TEXTS)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    stat, process = machine_stat(text), process_stat(text)
    assert stat is None or (stat.busy >= 0 and stat.count >= 1)
    assert process is None or min(process.ticks, process.minor_faults, process.major_faults) >= 0
    assert all(number >= 0 for number in named_counts(text, ("VmRSS",)).values())
    assert min(switches(text) or (0, 0)) >= 0


@given(st.lists(TEXTS, min_size=2, max_size=3), st.lists(st.floats(0, 1e6), min_size=2, max_size=3))
def test_no_load_is_outside_its_range(texts: list[str], times: list[float]) -> None:
    class Texts:
        """Files that all hold the same text."""

        here = False
        content = ""

        def text(self, name: str) -> str:
            return self.content

        def missing(self, name: str) -> Unavailable:
            return Unavailable("nothing", "not-read")

        def names(self, folder: str, pattern: str = "*") -> list[str]:
            return []

        def exists(self, name: str) -> bool:
            return True

    files, clock = Texts(), iter([*sorted(times), 1e9])
    with HostMonitor(MonitorTarget(PID, files, clock=lambda: next(clock))) as monitor:  # type: ignore[arg-type] # as much of it as is asked
        for text in texts[: len(times)]:
            files.content = text
            for name, found in monitor.sample().items():
                if isinstance(found, Reading):
                    assert math.isfinite(found.value)
                    assert 0 <= found.value <= (100 if name.startswith("CPU_LOAD") else 1e15)
