"""Writes convolutional networks as ONNX, one layer after another, from weights in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[Any]]

OPSET = 13
IR_VERSION = 8
"""Versions that engines from 2021 on can read; by default, onnx writes its newest ones."""

BATCH = "batch"
"""Name of the open first dimension of inputs and outputs."""
TILE = ("height", "width")
"""Names of the open height and width of inputs."""


def tiled(tile: int, size: Sequence[int | str] = TILE) -> dict[str, Any]:
    """Return what the config of a classifier that is built here states of its model.

    With the input stated, an engine need not open the model twice to open it with a tile.

    :param tile: Height and width at which the model runs unless the user asks for others.
    :param size: Height and width of its input: numbers, or the names of open dimensions.
    """
    image = {"name": "input", "dtype": "float32", "shape": [BATCH, 3, *size], "layout": "NCHW"}
    return {"tile": f"{tile}x{tile}", "inputs": [image]}


@dataclass(frozen=True)
class Norm:
    """A batch normalisation: the name of its weights, and the epsilon of its training."""

    name: str
    epsilon: float


class Graph:
    """A graph under construction; each method adds a node and returns the name of its output.

    :param weights: Tensors by name; convolutions are [out, in / groups, height, width].
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self.used: set[str] = set()

    def convolution(  # noqa: PLR0913 - the parameters of a convolution
        self, x: str, name: str, norm: Norm, *, stride: int = 1, pads: tuple[int, int] = (0, 0), groups: int = 1
    ) -> str:
        """Add a convolution without bias, with the batch normalisation after it folded into its weights.

        :param pads: Zeros before and after, the same for rows and columns.
        """
        kernel, bias = folded(self._take(f"{name}.weight"), self._norm(norm), norm.epsilon)
        return self.convolve(x, name, (kernel, bias), stride=stride, pads=pads, groups=groups)

    def convolve(  # noqa: PLR0913 - the parameters of a convolution
        self,
        x: str,
        name: str,
        weights: tuple[NDArray[Any], NDArray[Any]],
        *,
        stride: int = 1,
        pads: tuple[int, int] = (0, 0),
        groups: int = 1,
    ) -> str:
        """Add a convolution with this kernel and bias; see ``convolution``."""
        kernel, bias = weights
        inputs = [x, self._constant(f"{name}.weight", kernel), self._constant(f"{name}.bias", bias)]
        shape, pair = list(kernel.shape[2:]), [pads[0], pads[0], pads[1], pads[1]]
        return self._add("Conv", inputs, name, kernel_shape=shape, strides=[stride] * 2, pads=pair, group=groups)

    def relu6(self, x: str) -> str:
        """Add a clip to the range 0 to 6."""
        low = self._constant("zero", np.float32(0))
        high = self._constant("six", np.float32(6))
        return self._add("Clip", [x, low, high], f"{x}_relu6")

    def add(self, x: str, y: str) -> str:
        """Add a sum of two tensors of the same shape."""
        return self._add("Add", [x, y], f"{x}_add")

    def pool(self, x: str) -> str:
        """Add the mean over height and width, and drop these dimensions."""
        mean = self._add("GlobalAveragePool", [x], f"{x}_mean")
        return self._add("Flatten", [mean], f"{x}_flat", axis=1)

    def linear(self, x: str, name: str, output: str) -> str:
        """Add a fully connected layer, whose weights are [out, in]."""
        return self.multiply(x, name, (self._take(f"{name}.weight"), self._take(f"{name}.bias")), output)

    def multiply(self, x: str, name: str, weights: tuple[NDArray[Any], NDArray[Any]], output: str) -> str:
        """Add a fully connected layer with this matrix, [out, in], and bias."""
        inputs = [x, *map(self._constant, (f"{name}.weight", f"{name}.bias"), weights)]
        return self._add("Gemm", inputs, output, transB=1)

    def save(self, path: Path, *, name: str, classes: int) -> None:
        """Check the model and write it: ``input`` f32[batch,3,height,width] to ``logits`` f32[batch,classes].

        :raises ValueError: Some weights are unused, so this is not the network that they were trained for.
        """
        unused = sorted(key for key in set(self._weights) - self.used if not key.endswith("num_batches_tracked"))
        if unused:
            raise ValueError(f"{len(unused)} weights are unused: {', '.join(unused[:5])}")
        path.write_bytes(self.model(name, classes).SerializeToString(deterministic=True))

    def model(self, name: str, classes: int) -> onnx.ModelProto:
        """Return the checked model; see ``save``."""
        image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [BATCH, 3, *TILE])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [BATCH, classes])
        graph = helper.make_graph(self._nodes, name, [image], [logits], list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lpbench")
        onnx.checker.check_model(model, full_check=True)
        return model

    def _norm(self, norm: Norm) -> tuple[NDArray[Any], ...]:
        return tuple(self._take(f"{norm.name}.{part}") for part in ("weight", "bias", "running_mean", "running_var"))

    def _take(self, name: str) -> NDArray[Any]:
        self.used.add(name)
        return self._weights[name]

    def _constant(self, name: str, values: Any) -> str:
        contiguous = np.ascontiguousarray(values, np.float32).reshape(np.shape(values))
        self._constants[name] = numpy_helper.from_array(contiguous, name)
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output


def folded(
    kernel: NDArray[Any], norm: tuple[NDArray[Any], ...], epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return kernel and bias of the convolution that replaces a convolution and the batch normalisation after it.

    ``(kernel * x - mean) / sqrt(variance + epsilon) * gamma + beta`` is again a convolution
    (Ioffe and Szegedy, arXiv:1502.03167).

    :param norm: gamma, beta, mean and variance, each [out].
    """
    gamma, beta, mean, variance = (values.astype(np.float64) for values in norm)
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale[:, None, None, None], beta - mean * scale


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the numbers of zeros before and after in TensorFlow's "SAME" padding.

    :param size: Height or width of the input.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
