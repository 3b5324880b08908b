"""Dynamic models on the fake: sessions that change gears, and sessions that were opened for one."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.fake_site import SOC
from plugins.lpbench_acl.tests.networks import network, pooled, sums

import lpbench
from lpbench.plugin.engine import EngineError, Model
from lpbench.testing import EngineCase, engine_checks
from lpbench.testing.onnx_case import SIZES, onnx_case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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


@pytest.mark.long
def test_a_benchmark_in_batches_takes_the_gear_of_its_batch(batched: Path) -> None:
    """And says that there is none, where the model was not converted for that batch."""
    told = str(lpbench.benchmark(str(batched), engine="acl", batch=4, number=20, runs=1, yardstick=False))
    assert "4x3" in told
    assert "in batches of 4" in told
    with pytest.raises(EngineError, match=r'no gear for "x" 3x3; it has batch sizes 1, 2, 4'):
        lpbench.benchmark(str(batched), engine="acl", batch=3, number=20, runs=1, yardstick=False)


@pytest.mark.parametrize("dims", [[2, 5], [2, -1], [1 << 40, 1 << 20]])
def test_an_output_larger_than_its_memory_is_not_copied(
    fake_acl: Fake, tmp_path: Path, open_session: Opener, monkeypatch: pytest.MonkeyPatch, dims: list[int]
) -> None:
    """A description that contradicts itself would have the NPU's memory read beyond the output."""
    monkeypatch.setattr(fake_acl.module.mdl, "get_cur_output_dims", lambda *_: ({"dims": dims}, 0))
    text = open_session.refused(fake_acl.om(network(tmp_path)))
    assert re.search(r'"y" takes -?\d+ bytes; the model asks for 32', text)


def test_a_gear_larger_than_the_memory_of_its_input_is_not_copied(
    batched: Path, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mdl = fake_acl.module.mdl
    monkeypatch.setattr(mdl, "get_dynamic_batch", lambda *_: ({"batch": [1, 9]}, 0))
    monkeypatch.setattr(mdl, "set_dynamic_batch_size", lambda *_: 0)
    assert '"x" takes 108 bytes; the model asks for 48' in open_session.refused(batched, {"x": (9, 3)})


def test_outputs_of_different_ranks_in_different_gears_are_announced_as_they_are_described(
    batched: Path, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([[1, 4], [2, 4], [2, 2, 4]])
    with monkeypatch.context() as patched:
        patched.setattr(fake_acl.module.mdl, "get_cur_output_dims", lambda *_: ({"dims": next(told)}, 0))
        session = open_session(batched)
    assert len(session.outputs[0].shape) == 2
    assert right(session, 2)


def with_gears(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return a case whose models take 1, 2 or 4 vectors."""
    onnx = onnx_case(folder)
    models = [_converted(model) for model in (onnx.model, onnx.identity) if model]
    return dataclasses.replace(onnx, model=models[0], identity=models[1])


def _converted(source: Model) -> Model:
    """Return what the fake of ATC makes of an ONNX file, which is made once."""
    target = source.path.with_suffix(".om")
    if not target.exists():
        shapes = f"x:-1,{SIZES[0]}"
        words = ["--framework=5", f"--soc_version={SOC}", f"--input_shape={shapes}", "--dynamic_batch_size=1,2,4"]
        files = [f"--model={source.path}", f"--output={target.with_suffix('')}", "--precision_mode=force_fp32"]
        subprocess.run(["atc", *files, *words], check=True, timeout=120, stdout=subprocess.DEVNULL, cwd=target.parent)
    return Model("om", target)


@pytest.mark.long
@pytest.mark.usefixtures("fake_acl")
@engine_checks("acl", case=with_gears)
def test_the_contract_is_kept_with_gears(check: Callable[[], None]) -> None:
    check()
