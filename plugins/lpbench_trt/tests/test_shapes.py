"""Shapes on the fake: open dimensions, optimisation profiles, empty tensors, shapes that data decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import network

from lpbench.plugin.engine import EngineError
from lpbench.testing.onnx_models import FLOAT

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

RANGE = {"x": ((1, 3), (2, 3), (8, 3))}
LEAST, MOST = {"a": (1, 2), "b": (1, 2)}, {"a": (9, 2), "b": (9, 2)}
INT64 = onnx.TensorProto.INT64


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> Path:
    """Return a plan for 1 to 8 rows."""
    path = tmp_path / "model.plan"
    path.write_bytes(bare.plan(network(tmp_path), profile=RANGE))
    return path


def rows(count: int) -> dict[str, Any]:
    return {"x": np.arange(count * 3, dtype=np.float32).reshape(count, 3) - 5}


def right(session: Session, count: int) -> bool:
    feeds = rows(count)
    return np.allclose(session.run(feeds)["y"], bare.expected(feeds["x"]))


def test_the_size_may_change_from_run_to_run(plan: Path, open_session: Opener) -> None:
    session = open_session(plan)
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(None, 3), (None, 4)]
    assert all(right(session, count) for count in (2, 8, 1, 2, 2, 5))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(-1, 12), min_size=1, max_size=8))
def test_any_sequence_of_sizes_is_computed_or_refused(plan: Path, open_session: Opener, counts: list[int]) -> None:
    """Refused sizes, and feeds that are no array at all, leave no trace in the runs after them."""
    session = open_session(plan)
    for count in counts:
        if 1 <= count <= 8:
            assert right(session, count)
            continue
        with pytest.raises(EngineError):
            session.run(rows(count) if count >= 0 else {"x": None})
    session.close()


def test_a_shape_outside_every_profile_names_the_input_and_the_ranges(plan: Path, open_session: Opener) -> None:
    session = open_session(plan)
    with pytest.raises(EngineError, match=r'input "x" has shape 9x3, outside every .* \(1x3 to 8x3\)\n.*min_shapes'):
        session.run(rows(9))
    assert right(session, 8)


def test_a_shape_outside_every_profile_is_refused_when_opening(plan: Path, open_session: Opener) -> None:
    assert "outside every optimisation profile" in open_session.refused(plan, {"x": (9, 3)})


def test_shapes_asked_for_are_in_force(plan: Path, open_session: Opener) -> None:
    """The outputs' sizes follow; other sizes are refused though the plan has them."""
    session = open_session(plan, {"x": (4, 3)})
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(4, 3), (4, 4)]
    assert right(session, 4)
    with pytest.raises(EngineError, match="shape 2x3; the model takes 4x3"):
        session.run(rows(2))


def test_open_dimensions_keep_the_names_of_the_file(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.two(), min_shapes=LEAST, max_shapes=MOST)
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [("N", 2)] * 4
    for count in (1, 9, 3):
        x = np.ones((count, 2), np.float32)
        assert session.run({"a": x, "b": x})["total"].tolist() == [[2, 2]] * count


def test_shapes_that_contradict_each_other_are_tensorrts_error(models: Graphs, open_session: Opener) -> None:
    """Both fit the profile, not each other; the next run is right again."""
    session = open_session(models.two((None, 2)), min_shapes=LEAST, max_shapes=MOST)
    two, three = np.ones((2, 2), np.float32), np.ones((3, 2), np.float32)
    with pytest.raises(EngineError, match=r"model\.onnx: TensorRT"):
        session.run({"a": two, "b": three})
    assert session.run({"a": two, "b": two})["total"].tolist() == [[2, 2]] * 2


def test_values_lie_where_the_engine_wants_them(
    models: Graphs, fake_tensorrt: Fake, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The location decides, not whether shapes follow from the values."""
    monkeypatch.setattr(fake_tensorrt.module.ICudaEngine, "is_shape_inference_io", lambda *_: False)
    test_shapes_that_values_decide_are_read_on_the_host(models, open_session)


def test_of_several_profiles_one_that_fits_is_chosen(fake_tensorrt: Fake, tmp_path: Path, open_session: Opener) -> None:
    """1 to 2 rows and 6 to 8 rows: the session switches; 4 rows are in neither."""
    path = tmp_path / "model.plan"
    path.write_bytes(two_profiles(fake_tensorrt, network(tmp_path)))
    session = open_session(path)
    assert all(right(session, count) for count in (1, 7, 2, 8))
    with pytest.raises(EngineError, match=r"\(1x3 to 2x3; 6x3 to 8x3\)"):
        session.run(rows(4))
    assert right(session, 6)


def two_profiles(fake: Fake, model: str) -> bytes:
    trt = fake.module
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    built = builder.create_network(1)
    assert trt.OnnxParser(built, logger).parse_from_file(model)
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)
    for least, most in ((1, 2), (6, 8)):
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (least, 3), (least, 3), (most, 3))
        config.add_optimization_profile(profile)
    return bytes(builder.build_serialized_network(built, config))


@pytest.mark.parametrize("shape", [("N", 3), (1, 3)])
def test_a_dimension_of_one_size_alone_is_announced_as_fixed(
    models: Graphs, open_session: Opener, shape: tuple[Any, ...]
) -> None:
    """A batch that nothing asks for is 1, and the plan takes nothing else."""
    session = open_session(models.one("Neg", shape))
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(1, 3)] * 2


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 0)])
def test_scalars_and_empty_tensors_run(models: Graphs, open_session: Opener, shape: tuple[int, ...]) -> None:
    session = open_session(models.one("Neg", shape))
    for _ in range(2):
        found = session.run({"x": np.ones(shape, np.float32)})["y"]
        assert found.shape == shape
        assert np.array_equal(found, -np.ones(shape, np.float32))


def test_outputs_whose_size_depends_on_the_data(models: Graphs, open_session: Opener) -> None:
    """Positions of what is not zero: none, all, and fewer again."""
    node = onnx.helper.make_node("NonZero", ["x"], ["y"], name="positions")
    session = open_session(models.save([node], [("x", FLOAT, (2, 3))], [("y", INT64, (2, "K"))]))
    assert session.outputs[0].shape == (2, "K")
    for count in (0, 6, 2, 5):
        x = (np.arange(6) < count).astype(np.float32).reshape(2, 3)
        found = session.run({"x": x})["y"]
        assert np.array_equal(found, np.nonzero(x))


def test_shapes_that_values_decide_are_read_on_the_host(models: Graphs, open_session: Opener) -> None:
    """The second input of Reshape: its values may change from run to run, and the output's shape with them."""
    node = onnx.helper.make_node("Reshape", ["x", "to"], ["y"], name="reshape")
    path = models.save([node], [("x", FLOAT, (2, 6)), ("to", INT64, (2,))], [("y", FLOAT, (None, None))])
    session = open_session(path, min_shapes={"to": (1, 1)}, max_shapes={"to": (12, 12)})
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    for shape in ((3, 4), (12, 1), (12, 1), (3, 4)):
        assert np.array_equal(session.run({"x": x, "to": np.array(shape)})["y"], x.reshape(shape))
