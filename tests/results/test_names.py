"""What configurations are called beside each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.names import labels


@pytest.mark.parametrize(
    ("configurations", "expected"),
    [
        ([{}, {"batch": 4}], ["a", "a:batch=4"]),
        ([{"threads": 1, "batch": 8}, {"threads": 2, "batch": 8}], ["a:threads=1", "a:threads=2"]),
        ([{"tile": (96, 64)}, {"variant": "s8"}, {"streams": 2}], ["a:tile=96x64", "a:variant=s8", "a:streams=2"]),
        ([{"shapes": {"x": (1, 3)}}, {"shapes": {"x": (1, 4)}}], ["a:shape.x=1x3", "a:shape.x=1x4"]),
        ([{"threads": 1, "affinity": (1,)}, {"threads": 2, "affinity": (0, 1)}], ["a:threads=1", "a:threads=2"]),
        ([{"affinity": (0,)}, {"affinity": (0, 1)}, {"batch": 2}], ["a:affinity=0", "a:affinity=0-1", "a:batch=2"]),
        ([{"affinity": (0,)}, {"affinity": (0,)}], ["a", "a#2"]),
    ],
)
def test_a_configuration_is_named_by_what_differs(configurations: list[dict[str, object]], expected: list[str]) -> None:
    assert labels([EngineConfiguration("a", **each) for each in configurations]) == expected  # type: ignore[arg-type] # mypy does not know the fields


def test_what_means_the_same_to_every_engine_is_named_where_engines_differ_in_it() -> None:
    """Else a table would show an 8-bit model of one engine beside that of another in floats, and not say so."""
    small, own = EngineConfiguration("a", variant="s8", threads=1, affinity=(1,)), EngineConfiguration("b", threads=2)
    assert labels([small, own]) == ["a:variant=s8", "b"]
    assert labels([EngineConfiguration(name, variant="s8", batch=4) for name in "ab"]) == ["a", "b"]
    batches = [EngineConfiguration("a", batch=4), EngineConfiguration("a", batch=2), EngineConfiguration("b", batch=4)]
    assert labels(batches) == ["a:batch=4", "a:batch=2", "b:batch=4"]
    shape = {"x": (1, 3)}
    assert labels([EngineConfiguration("a", shapes=shape), EngineConfiguration("b")]) == ["a:shape.x=1x3", "b"]
    options = [EngineConfiguration("a", options={"batch": 2}), EngineConfiguration("b")]
    assert labels(options) == ["a", "b"]


some = st.builds(
    EngineConfiguration,
    engine=st.sampled_from("ab"),
    threads=st.none() | st.integers(1, 2),
    batch=st.integers(1, 2),
    streams=st.integers(1, 2),
    affinity=st.sampled_from([(), (0,), (0, 1)]),
    tile=st.none() | st.just((4, 4)),
)


@given(st.lists(some, unique=True))
def test_different_configurations_have_different_names(configurations: list[EngineConfiguration]) -> None:
    names = labels(configurations)
    assert len(set(names)) == len(names)
    assert not any("#" in name for name in names)
