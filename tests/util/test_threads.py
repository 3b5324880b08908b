"""Times of threads, from the scheduler of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from lpbench.util.threads import thread_times

WINDOW_S = 0.5
SPIN = "while True: pass"


def test_a_thread_that_computes_runs_or_waits_even_where_others_take_its_core() -> None:
    """Two processes share one core with the thread: it runs for a third of the time and waits for the rest."""
    ended = threading.Event()

    def spin() -> None:
        os.sched_setaffinity(threading.get_native_id(), {core})
        while not ended.is_set():
            pass

    core = max(os.sched_getaffinity(0))
    others = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2)]
    thread = threading.Thread(target=spin)
    try:
        for other in others:
            os.sched_setaffinity(other.pid, {core})
        thread.start()
        assert thread.native_id
        time.sleep(WINDOW_S / 2)
        before, begun = thread_times(), time.monotonic()
        if not before:
            pytest.skip("the kernel does not count the times of threads (/proc/self/task/*/schedstat)")
        time.sleep(WINDOW_S)
        after, spent_ns = thread_times(), (time.monotonic() - begun) * 1e9
    finally:
        ended.set()
        for other in others:
            other.kill()
            other.wait()
    ran, waited = (now - then for now, then in zip(after[thread.native_id], before[thread.native_id], strict=True))
    assert waited > 0
    assert ran + waited > 0.5 * spent_ns
