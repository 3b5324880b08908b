"""perf_event_open and texts that describe events.  Tested on the hardware here, by a software event, and fixtures."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.monitor import Unavailable
from lpbench_monitors._perf import Event, PerfCounter, open_event, system_call_number
from lpbench_monitors._pmu_files import cpus, event, scaled

SOFTWARE, CPU_CLOCK, ANY_CPU, THIS_PROCESS = 1, 0, -1, 0


def test_the_system_call_counts_the_time_of_this_process() -> None:
    counter = open_event(Event(SOFTWARE, ANY_CPU, CPU_CLOCK), THIS_PROCESS)
    if isinstance(counter, Unavailable):
        pytest.skip(f"needs perf events: {counter.reason}")
    before = counter.read()
    sum(range(2_000_000))
    after = counter.read()
    counter.close()
    counter.close()
    assert isinstance(counter, PerfCounter)
    assert before
    assert after
    assert 1e6 < after.value - before.value <= after.enabled_ns - before.enabled_ns + 1e6
    assert after.enabled_ns >= after.running_ns > before.running_ns


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="perf events are Linux's")
def test_a_unit_that_does_not_exist_is_refused_with_the_kernel_s_reason() -> None:
    found = open_event(Event(2**31 - 1, 0))
    assert isinstance(found, Unavailable)
    assert found.code in {"not-supported", "no-permission"}


def test_the_call_s_number_depends_on_the_program_too() -> None:
    assert [system_call_number(*kind) for kind in (("x86_64", 64), ("aarch64", 64), ("armv7l", 32))] == [298, 241, 364]
    assert system_call_number("aarch64", 32) == 364  # a 32-bit system on the kernel of a 64-bit Raspberry Pi
    assert system_call_number("sparc", 64) is None


TERMS = st.text() | st.text(st.sampled_from("eventumask=0x123f,-config:;"), max_size=40)


@given(TERMS, TERMS, TERMS, TERMS)
def test_any_text_is_an_event_or_none(terms: str, form: str, scale: str, unit: str) -> None:
    found = event(terms, lambda _: form)
    assert found is None or all(0 <= part < 1 << 64 for part in (found.config, found.config1, found.config2))
    assert all(0 <= cpu < 1 << 14 for cpu in cpus(terms))
    assert 0 <= scaled(scale, unit) < math.inf
