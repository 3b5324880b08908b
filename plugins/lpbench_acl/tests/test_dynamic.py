"""Dynamic models on the fake: sessions that change gears, and sessions that were opened for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import network, pooled, sums

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener

BATCHES = (1, 2, 4)


@pytest.fixture
def batched(fake_acl: Fake, tmp_path: Path) -> Path:
    """Return a model for 1, 2 or 4 rows."""
    return fake_acl.om(network(tmp_path, "n"), input_shape="x:-1,3", dynamic_batch_size="1,2,4")


@pytest.fixture
def imaged(fake_acl: Fake, tmp_path: Path) -> Path:
    """Return a model for images of 8 by 8, 8 by 16 or 32 by 16 pixels."""
    return fake_acl.om(pooled(tmp_path), input_shape="x:1,3,-1,-1", dynamic_image_size="8,8;8,16;32,16")


@pytest.fixture
def shaped(fake_acl: Fake, tmp_path: Path) -> Path:
    """Return a model of two inputs, of 1 by 2, 3 by 2 or 3 by 5."""
    options = {"input_shape": "a:-1,-1;b:-1,-1", "dynamic_dims": "1,2,1,2;3,2,3,2;3,5,3,5", "input_format": "ND"}
    return fake_acl.om(sums(tmp_path), **options)


def rows(count: int) -> dict[str, Any]:
    return {"x": np.arange(count * 3, dtype=np.float32).reshape(count, 3) - 5}


def right(session: Session, count: int) -> bool:
    feeds = rows(count)
    found = session.run(feeds)["y"]
    return found.shape == (count, 4) and np.allclose(found, bare.expected(feeds["x"]))


@pytest.mark.parametrize("run_mode", [0, 1], ids=["device", "host"])
@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
def test_the_batch_may_change_from_run_to_run(
    batched: Path, open_session: Opener, fake_acl: Fake, run_mode: int, *, asynchronous: bool
) -> None:
    fake_acl.set(run_mode=run_mode)
    session = open_session(batched, asynchronous=asynchronous)
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [("batch", 3), ("batch", 4)]
    assert all(right(session, count) for count in (2, 4, 1, 2, 2, 4))


def test_image_sizes_change_from_run_to_run(imaged: Path, open_session: Opener) -> None:
    """The outputs have the shapes that belong to the gear."""
    session = open_session(imaged)
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [
        (1, 3, "height", "width"),
        (1, 3, None, None),
    ]
    for height, width in ((8, 16), (32, 16), (8, 8), (8, 8)):
        x = np.random.default_rng(height).standard_normal((1, 3, height, width)).astype(np.float32)
        pools = x.reshape(1, 3, height // 2, 2, width // 2, 2).max((3, 5))
        assert np.array_equal(session.run({"x": x})["y"], pools)


def test_shapes_of_all_inputs_change_together(shaped: Path, open_session: Opener) -> None:
    session = open_session(shaped)
    for shape in ((3, 5), (1, 2), (3, 2)):
        a, b = np.ones(shape, np.float32), np.full(shape, 2, np.float32)
        assert session.run({"a": a, "b": b})["total"].tolist() == (a + b).tolist()
    with pytest.raises(EngineError, match=r'no gear for "a" 3x2, "b" 3x5.*\n.*nearest is \("a" 3x[25], "b" 3x'):
        session.run({"a": np.ones((3, 2), np.float32), "b": np.ones((3, 5), np.float32)})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(-1, 6), min_size=1, max_size=8))
def test_any_sequence_of_sizes_is_computed_or_refused(batched: Path, open_session: Opener, counts: list[int]) -> None:
    """Refused sizes, and feeds that are no array at all, leave no trace in the runs after them."""
    session = open_session(batched)
    for count in counts:
        if count in BATCHES:
            assert right(session, count)
            continue
        with pytest.raises(EngineError):
            session.run(rows(count) if count >= 0 else {"x": None})
    session.close()


def test_a_size_without_a_gear_names_the_file_the_gears_and_the_nearest(batched: Path, open_session: Opener) -> None:
    session = open_session(batched)
    with pytest.raises(EngineError, match=r'\.om: the model has no gear for "x" 3x3; it has batch sizes 1, 2, 4'):
        session.run(rows(3))
    assert right(session, 4)
    assert "no gear" in open_session.refused(batched, {"x": (3, 3)})


def test_a_shape_asked_for_is_the_only_one(batched: Path, open_session: Opener) -> None:
    """The outputs' sizes follow; other sizes are refused though the model has them."""
    session = open_session(batched, {"x": (2, 3)})
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(2, 3), (2, 4)]
    assert session.describe()["bytes_copied"] == {"inputs": 24, "outputs": 32}
    assert session.describe()["gears"] == {"batch": [2]}
    assert right(session, 2)
    with pytest.raises(EngineError, match="shape 4x3; the model takes 2x3"):
        session.run(rows(4))


def test_a_gear_is_put_in_force_when_it_changes_and_not_else(
    batched: Path, open_session: Opener, fake_acl: Fake
) -> None:
    session = open_session(batched)
    fake_acl.module.fake_begin()
    for count in (2, 2, 4, 4, 4, 2):
        assert right(session, count)
    made = [entry.name for entry in fake_acl.report()].count("acl.mdl.set_dynamic_batch_size")
    assert made == 3


def test_a_gear_that_acl_refuses_is_put_in_force_again(batched: Path, open_session: Opener, fake_acl: Fake) -> None:
    """After a failure nothing is taken for granted: neither the old gear nor the new one."""
    session = open_session(batched)
    assert right(session, 2)
    fake_acl.module.fake_begin()
    fake_acl.set(fail_at="acl.mdl.set_dynamic_batch_size:1")
    with pytest.raises(EngineError, match="set_dynamic_batch_size failed"):
        session.run(rows(4))
    fake_acl.set(fail_at="")
    assert right(session, 2)
    assert right(session, 4)


def test_two_sessions_have_a_gear_each(batched: Path, open_session: Opener) -> None:
    first, second = open_session(batched), open_session(batched)
    for one, other in ((1, 4), (2, 2), (4, 1)):
        assert right(first, one)
        assert right(second, other)
