"""What engines report while they open: to whom it goes, how often, and what an engine cannot break by it."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin import progress
from lpbench.plugin.progress import Activity, listening, report


def test_a_report_reaches_whoever_listens_and_nobody_afterwards() -> None:
    heard: list[Activity] = []
    report("before", 0.1)
    with listening(heard.append):
        report("building", 0.429)
    report("after", 0.9)
    assert list(map(str, heard)) == ["building, 42 %"]


def test_reports_of_other_threads_are_heard() -> None:
    heard: list[Activity] = []
    with listening(heard.append):
        thread = threading.Thread(target=report, args=("building", 0.5))
        thread.start()
        thread.join()
    assert heard == [Activity("building", 0.5)]


def test_a_flood_is_thinned_out() -> None:
    heard: list[Activity] = []
    with listening(heard.append):
        for step in range(10_000):
            report("building", step / 10_000)
    assert 1 <= len(heard) < 100


@given(
    st.one_of(st.floats(), st.integers(), st.just(10**400), st.none(), st.text(), st.booleans()),
    st.text() | st.binary(),
)
def test_whatever_is_reported_never_raises_and_is_a_share_or_nothing(done: Any, what: Any) -> None:
    heard: list[Activity] = []
    with listening(heard.append):
        report(what, done)
    (activity,) = heard
    assert activity.done is None or 0 <= activity.done <= 1
    assert len(str(activity)) <= progress.LONGEST + len(", 100 %")
    assert str(activity).isprintable() or not what.isprintable()


class Strange(float):
    """A number of a third party's, which cannot be compared."""

    __hash__ = float.__hash__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __ne__ = __eq__


def test_a_number_that_cannot_be_compared_is_no_share_and_no_error() -> None:
    """What is raised in a library's callback would unwind through native frames."""
    heard: list[Activity] = []
    with listening(heard.append):
        report("building", Strange(0.5))
    assert heard == [Activity("building", None)]


@pytest.mark.parametrize("done", [-0.1, 1.1, math.nan, math.inf])
def test_a_share_that_is_none_is_refused(done: float) -> None:
    with pytest.raises(ValueError, match="expected a share"):
        Activity("building", done)


def test_what_a_listener_raises_comes_out_of_the_block_and_not_out_of_the_library() -> None:
    reported: list[str] = []

    def broken(_: Activity) -> None:
        raise OSError("the screen is gone")

    def library() -> None:
        with listening(broken):
            for words in ("building", "linking"):
                report(words)
                reported.append(words)

    with pytest.raises(OSError, match="screen is gone"):
        library()
    assert reported == ["building", "linking"]
