"""Shared by the benchmarks: a model, and a report of the machine's load beside the figures.

The model is SqueezeNet 1.0, about 4 ms on one thread, with its own weights.

The onnx wheel contains the graph with constant weights, so that all outputs are equal, and with a softmax that
some converters get wrong.  Here the weights are random and seeded, and the softmax is over a flat tensor.

    python benchmarks/models.py squeezenet.onnx
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import statistics
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from lpbench import machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FAKES = Path(__file__).resolve().parent.parent / "tests/fakes"
INPUT = "data_0"
SHAPE = (1, 3, 224, 224)
LAST = "conv10_w_0"
SHARPER = 2.5
"""Factor on the last layer's weights, so that the softmax is not uniform."""
OPSET = 13


def squeezenet(path: str | Path, seed: int = 0) -> Path:
    """Write the model and return where it is.

    :param seed: The same seed writes the same model.
    """
    light = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
    graph = onnx.load(light).graph
    rng = np.random.default_rng(seed)
    arrays = {name: _weight(shape, rng) for name, shape in _shapes(graph).items()}
    arrays[LAST] *= SHARPER
    weights = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    data = onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, SHAPE)
    scores = onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, (SHAPE[0], 1000))
    made = onnx.helper.make_graph(_nodes(graph), "squeezenet", [data], [scores], weights)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return Path(path)


def _shapes(graph: Any) -> dict[str, Any]:
    """Return the shapes of all weights: of stored ones, and of those that are computed from a shape."""
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made = {node.output[0]: stored.pop(node.input[0]) for node in graph.node if node.op_type == "ConstantOfShape"}
    return {**{name: array.shape for name, array in stored.items()}, **made}


def _weight(shape: Any, rng: np.random.Generator) -> Any:
    """Return weights that keep the variance from layer to layer (He et al. 2015); biases are zero."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    return rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / np.prod(shape[1:])))


def _nodes(graph: Any) -> list[Any]:
    """Return the graph's nodes without constants and dropout, with its softmax over a flat tensor."""
    nodes: list[Any] = []
    renamed: dict[str, str] = {}
    for node in graph.node:
        inputs = [renamed.get(name, name) for name in node.input]
        if node.op_type == "Dropout":  # does nothing in inference, and opset 12 changed its attributes
            renamed[node.output[0]] = inputs[0]
        elif node.op_type == "Softmax":
            nodes.append(onnx.helper.make_node("Flatten", inputs, ["flat"], axis=1))
            nodes.append(onnx.helper.make_node("Softmax", ["flat"], ["scores"], axis=1))
        elif node.op_type != "ConstantOfShape":
            del node.input[:]
            node.input.extend(inputs)
            nodes.append(node)
    return nodes


@contextlib.contextmanager
def installed_slowed(folder: Path) -> Iterator[None]:
    """Install the tests' engine ``slowed`` for this process and its workers, as pip would.

    :param folder: A folder for the distribution's metadata.
    """
    meta = folder / "lpbench_slowed-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: lpbench-slowed\nVersion: 1.0\n", encoding="utf-8")
    (meta / "entry_points.txt").write_text("[lpbench]\nslowed = lpbench_slowed\n", encoding="utf-8")
    places, before = [str(FAKES), str(folder)], os.environ.get("PYTHONPATH")
    sys.path[:0] = places
    os.environ["PYTHONPATH"] = os.pathsep.join([*places, before] if before else places)
    yield


def environment(folder: Path) -> str:
    """Make a Python environment with all that this process can import, and return its path.

    ``installed_slowed`` comes first: what it installs is there too.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    site = next((folder / "lib").glob("python*/site-packages"))
    standard = Path(os.__file__).parent
    places = [each for each in sys.path if Path(each).is_absolute() and not standard.is_relative_to(each)]
    kept = [each for each in places if Path(each).name == "site-packages" or not Path(each).is_relative_to(standard)]
    (site / "here.pth").write_text("".join(f"{each}\n" for each in kept), encoding="utf-8")
    return str(folder)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Yield a temporary folder that contains the model as ``model.onnx``."""
    with tempfile.TemporaryDirectory() as name:
        squeezenet(Path(name) / "model.onnx")
        yield Path(name)


def spread(values: Sequence[float]) -> float:
    """Return the coefficient of variation in percent."""
    return 100 * statistics.stdev(values) / statistics.fmean(values)


class Neighbours:
    """The load from other processes since this object was made; children count as ours once they have ended."""

    def __init__(self) -> None:
        self._before = machine.snapshot()

    def __str__(self) -> str:
        share = machine.between(self._before, machine.snapshot()).foreign_share
        others = f"others had {share:.0%} of the CPU time" if isinstance(share, float) else str(share)
        return f"{others}, load average {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Write the model to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="file to write")
    print(squeezenet(parser.parse_args().path))


if __name__ == "__main__":
    main()
