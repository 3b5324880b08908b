"""Operators that ONNX Runtime lacks: asked of its own registry, named with their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest

from lpbench.plugin.engine import EngineError, Model
from lpbench.plugin.kit import onnx_nodes
from lpbench.testing import onnx_models
from lpbench_ort import _operators
from lpbench_ort._operators import operators
from lpbench_ort.config import OrtConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ort.tests.conftest import Models

node = onnx.helper.make_node
FLOAT, BFLOAT16 = onnx_models.FLOAT, 16


def chain(models: Models, *nodes: tuple[str, str, str], element: int = FLOAT) -> Path:
    """Save operators one after another, each as (operator, name, domain)."""
    made = [
        node(operator, [f"t{at}"], [f"t{at + 1}"], name=name, domain=domain)
        for at, (operator, name, domain) in enumerate(nodes)
    ]
    ends: list[onnx_models.Value] = [("t0", element, (1, 4)), (f"t{len(nodes)}", element, (1, 4))]
    return models.save(made, ends[:1], ends[1:])


def lacking(path: Path) -> dict[str, tuple[str, ...]]:
    return {found.type: found.names for found in operators(Model("onnx", path), None)}


def test_all_operators_that_are_not_registered_are_named(models: Models) -> None:
    nodes = [("Relu", "r", ""), ("NoSuchOperator", "one", ""), ("NoSuchOperator", "two", ""), ("Gelu", "", "acme")]
    assert lacking(chain(models, *nodes)) == {"NoSuchOperator": ("one", "two"), "acme.Gelu": ("t4",)}
    assert lacking(models.convolution()) == {}


def test_an_operator_that_is_newer_than_the_models_opset_is_named_with_its_opset(models: Models) -> None:
    (found,) = operators(Model("onnx", chain(models, ("Gelu", "new", ""))), None)
    assert (found.type, found.names) == ("Gelu", ("new",))
    assert "since opset 20" in found.reason


def test_a_type_for_which_there_is_no_kernel_is_named_with_the_node(models: Models) -> None:
    (found,) = operators(Model("onnx", chain(models, ("Sin", "wave", ""), element=BFLOAT16)), None)
    assert (found.type, found.names) == ("Sin", ("wave",))
    assert "tells the first only" in found.reason


def test_operators_of_branches_and_the_models_own_functions_are_known(tmp_path: Path) -> None:
    """What a branch lacks is named; a function of the model is none of the library's."""
    helper, value = onnx.helper, onnx.helper.make_tensor_value_info
    inner = helper.make_graph(
        [node("NoSuchOperator", ["x"], ["b"], name="deep")], "then", [], [value("b", FLOAT, (4,))]
    )
    other = helper.make_graph([node("Identity", ["x"], ["c"])], "else", [], [value("c", FLOAT, (4,))])
    nodes = [
        node("Double", ["x"], ["d"], name="own", domain="mine"),
        node("If", ["when"], ["y"], name="if", then_branch=inner, else_branch=other),
    ]
    inputs = [value("x", FLOAT, (4,)), value("when", onnx.TensorProto.BOOL, ())]
    graph = helper.make_graph(nodes, "graph", inputs, [value("y", FLOAT, (4,)), value("d", FLOAT, (4,))])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    double = helper.make_function("mine", "Double", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], opsets)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, functions=[double], opset_imports=opsets, ir_version=9), str(path))
    assert lacking(path) == {"NoSuchOperator": ("deep",)}
    found = onnx_nodes.read(path)
    assert sorted(each.kind for each in found.nodes) == ["Add", "Identity", "If", "NoSuchOperator", "mine.Double"]
    assert found.opsets == {"": 17, "mine": 1}


def test_nodes_that_another_provider_runs_are_named() -> None:
    """As they are reported of a session on a GPU."""
    assigned = {"CPUExecutionProvider": [("Softmax", "last")], "CUDAExecutionProvider": [("Conv", "first")]}
    assert list(_operators._elsewhere(assigned, OrtConfig())) == [("Conv", "first", "runs on cuda instead")]


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"model\.onnx"):
        operators(Model("onnx", tmp_path / "model.onnx"), None)
