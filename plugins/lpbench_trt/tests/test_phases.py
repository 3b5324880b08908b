"""The share of a build that is done, whatever a builder tells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lpbench_trt._phases import Phases

NAMES = st.sampled_from(["build", "optimise", "time", ""])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), NAMES, st.none() | NAMES, st.integers(-3, 30)),
        st.tuples(st.just("step"), NAMES),
        st.tuples(st.just("finish"), NAMES),
    ),
    max_size=60,
)


def test_a_phase_is_one_step_of_its_parent() -> None:
    phases = Phases()
    phases.start("build", None, 4)
    assert phases.step("build") == 0.25
    phases.start("time", "build", 2)
    assert phases.step("time") == 0.375
    assert phases.step("time") == 0.5
    phases.finish("time")
    assert phases.step("build") == 0.5
    assert phases.step("build") == 0.75


@given(EVENTS)
def test_the_share_never_falls_and_stays_a_share(events: list[tuple[str, ...]]) -> None:
    """Names that form a circle, steps of phases that never began, negative numbers of steps."""
    phases, last = Phases(), 0.0
    for kind, *arguments in events:
        share = getattr(phases, kind)(*arguments)
        if kind == "step":
            assert last <= share <= 1
            last = share
