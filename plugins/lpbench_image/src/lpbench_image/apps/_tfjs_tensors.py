"""Tensors during the conversion from TensorFlow to ONNX, in either or both orders of dimensions.

TensorFlow's images are NHWC, and ONNX's convolutions use NCHW.  A tensor keeps the order in
which it was made and is transposed only if a node needs the other order; transpositions in the
model itself often need no node.
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
"""TensorFlow's names of types, and numpy's."""


@dataclass
class Tensor:
    """A tensor's names in the ONNX graph; at least one is not empty.

    :param plain: Name of the tensor with its dimensions in TensorFlow's order.
    :param nchw: Name of the tensor with the last of its four dimensions moved to the second place.
    """

    plain: str = ""
    nchw: str = ""


class Tensors:
    """The graph so far; returns each tensor in the requested order of dimensions.

    :param nodes: The model's nodes, to count the readers of each tensor.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._readers = Counter(source for node in nodes for source in node.inputs)
        self.writer = Writer()

    def read_once(self, node: Node, at: int) -> bool:
        """Return whether this node is the only reader of its input."""
        return self._readers[node.inputs[at]] == 1

    def plain(self, tensor: Tensor) -> str:
        """Return the form in TensorFlow's order."""
        if not tensor.plain:
            tensor.plain = self.writer.add("Transpose", tensor.nchw, perm=TO_NHWC)
        return tensor.plain

    def nchw(self, tensor: Tensor) -> str:
        """Return the NCHW form; a constant with fewer dimensions gets leading dimensions of 1."""
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
            raise ValueError("an input that must be constant is computed")
        return values

    def either(self, tensors: Sequence[Tensor]) -> tuple[list[str], bool]:
        """Return all tensors in one order, and whether it is NCHW: if one was made so and all can be converted."""
        spatial = any(tensor.nchw for tensor in tensors) and all(map(self._can_be_nchw, tensors))
        return [self.nchw(tensor) if spatial else self.plain(tensor) for tensor in tensors], spatial

    def _can_be_nchw(self, tensor: Tensor) -> bool:
        constant = self.writer.value(tensor.plain)
        return bool(tensor.nchw) or constant is not None or len(self.writer.shape(tensor.plain)) == len(TO_NCHW)

    def cast(self, name: str, dtype: str) -> str:
        """Return a tensor cast to another type, given by numpy's name."""
        return self.writer.add("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
