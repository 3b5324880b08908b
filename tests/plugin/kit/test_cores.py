"""How many cores a process may use."""

from __future__ import annotations

import os

import pytest

from lpbench.plugin.kit.cores import physical_cores


def test_cores_are_those_that_the_process_may_use() -> None:
    """At least one, at most the logical ones; one where the process is bound to one."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs sched_setaffinity")
    before = os.sched_getaffinity(0)
    assert 1 <= physical_cores() <= len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert physical_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
