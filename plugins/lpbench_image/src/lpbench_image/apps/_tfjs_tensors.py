"""Tensors on their way from TensorFlow to ONNX, in TensorFlow's order of dimensions, in that of ONNX, or in both.

TensorFlow's images are NHWC and ONNX's convolutions NCHW.  A tensor is kept in whichever
order it was made, and is transposed only where a node needs the other one; a transposition
in the model itself is then often no node at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

from lpbench_image.apps._writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lpbench_image.apps._tfjs import Node

TO_NCHW = (0, 3, 1, 2)
TO_NHWC = (0, 2, 3, 1)

DTYPES = {"DT_FLOAT": "float32", "DT_INT32": "int32", "DT_INT64": "int64", "DT_BOOL": "bool"}
"""TensorFlow's names of types and numpy's."""


@dataclass
class Tensor:
    """A tensor's names in the ONNX graph; at least one is there.

    :param plain: With its dimensions in TensorFlow's order.
    :param nchw: With the last of its four dimensions second.
    """

    plain: str = ""
    nchw: str = ""


class Tensors:
    """The graph so far, and each tensor in the order that is asked for.

    :param nodes: The model's nodes; who reads what is counted once.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._readers = Counter(each for node in nodes for each in node.inputs)
        self.writer = Writer()

    def read_once(self, node: Node, at: int) -> bool:
        """Say whether nothing else reads this input of a node."""
        return self._readers[node.inputs[at]] == 1

    def plain(self, tensor: Tensor) -> str:
        """Return the form in TensorFlow's order."""
        if not tensor.plain:
            tensor.plain = self.writer.add("Transpose", tensor.nchw, perm=TO_NHWC)
        return tensor.plain

    def nchw(self, tensor: Tensor) -> str:
        """Return the NCHW form; a constant gets dimensions of 1 in front, as far as they are missing."""
        if not tensor.nchw:
            values = self.writer.value(tensor.plain)
            if values is None:
                tensor.nchw = self.writer.add("Transpose", tensor.plain, perm=TO_NCHW)
            else:
                four = values.reshape((1,) * (4 - values.ndim) + values.shape) if values.ndim else values
                tensor.nchw = self.writer.constant(four.transpose(TO_NCHW) if four.ndim else four)
        return tensor.nchw

    def constant(self, tensor: Tensor) -> NDArray[Any]:
        """Return a constant's value.

        :raises ValueError: The tensor is computed when the model runs.
        """
        values = self.writer.value(self.plain(tensor))
        if values is None:
            raise ValueError("an input that must be constant is not")
        return values

    def either(self, tensors: Sequence[Tensor]) -> tuple[list[str], bool]:
        """Return all in one order, and whether that is NCHW: wherever one is made so and the others can follow."""
        spatial = any(each.nchw for each in tensors) and all(map(self._can_be_nchw, tensors))
        return [self.nchw(each) if spatial else self.plain(each) for each in tensors], spatial

    def _can_be_nchw(self, tensor: Tensor) -> bool:
        constant = self.writer.value(tensor.plain)
        return bool(tensor.nchw) or constant is not None or len(self.writer.shape(tensor.plain)) == len(TO_NCHW)

    def cast(self, name: str, dtype: str) -> str:
        """Return a tensor as another type, by numpy's name of it."""
        return self.writer.add("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
