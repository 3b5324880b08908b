"""The shapes that ONNX files state, with the names of open dimensions, and files that are damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.kit import onnx_shapes
from lpbench.testing import onnx_models

onnx = pytest.importorskip("onnx", reason="needs onnx")

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    shape, result = (-1, 3, "H", -(1 << 63), 0), ("N", 3, None)
    return onnx_models.save(
        tmp_path / "model.onnx", [node], [("x", 1, shape), ("s", 1, ()), ("any", 1, None)], [("y", 1, result)]
    )


def test_open_dimensions_are_names_or_none(path: Path) -> None:
    """Sizes below zero are open, as engines read them; they are stored as very large unsigned numbers."""
    assert onnx_shapes.input_shapes(path) == {"x": (None, 3, "H", None, 0), "s": (), "any": ()}
    assert onnx_shapes.output_shapes(path) == {"y": ("N", 3, None)}


def test_optional_inputs_have_the_shape_of_their_tensor(path: Path) -> None:
    model = onnx.load(path)
    kind = onnx.helper.make_optional_type_proto(onnx.helper.make_tensor_type_proto(1, ["N", 4]))
    model.graph.input.append(onnx.helper.make_value_info("mask", kind))
    onnx.save(model, path)
    assert onnx_shapes.input_shapes(path)["mask"] == ("N", 4)


def test_inputs_of_which_not_even_the_rank_is_stated_are_told_from_scalars(path: Path) -> None:
    assert onnx_shapes.unranked_inputs(path) == ["any"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_damaged_file_is_an_error(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"ends after|truncated|wire type"):
        onnx_shapes.input_shapes(path)
