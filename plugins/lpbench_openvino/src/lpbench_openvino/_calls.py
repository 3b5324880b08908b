"""Runs one inference.

Errors that OpenVINO does not detect are caught here: it computes with the previous array if a
feed is missing, silently converts types, and returns the previous outputs if the shapes of a
dynamic model's inputs do not match each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import openvino

from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.narrow_floats import BITS
from lpbench_openvino import _ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

NARROW = {"bfloat16": "bf16", "float8_e4m3fn": "f8e4m3", "float8_e5m2": "f8e5m2"}
"""Types that numpy lacks, with OpenVINO's names: their bits are passed, and returned without ml_dtypes."""

UNBOUND = object()
"""Marks inputs without a bound array; None would be ambiguous, since a user may pass it."""


class MisfitError(Exception):
    """A feed is missing or has the wrong type or shape; the session finds out which."""


class Call:
    """Runs one infer request; feeds and outputs share memory with OpenVINO.

    A bound array is not checked again until another object is passed.  So checks cost nothing in a loop that
    refills its buffers, and a few microseconds if each sample has new arrays.

    :param network: The compiled ``openvino.Model``, used to check the shapes of a dynamic model.
    """

    def __init__(
        self,
        request: Any,
        network: Any,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
    ) -> None:
        self._infer = request.infer
        self._request = request
        self._network = network
        self._inputs = list(enumerate(inputs))
        self._outputs = list(enumerate(outputs))
        self._bound: list[Any] = [UNBOUND] * len(inputs)
        self._fed: list[Any] = [None] * len(inputs)  # OpenVINO shares the arrays' memory without keeping them alive
        self._shapes: list[tuple[int, ...]] = [()] * len(inputs)
        self._proven: set[tuple[tuple[int, ...], ...]] = set()
        self._dynamic = any(info.dynamic for info in (*inputs, *outputs))
        self._views = {} if self._dynamic else {info.name: self._view(index, info) for index, info in self._outputs}

    def __call__(self, feeds: Feeds) -> Outputs:
        if len(feeds) != len(self._inputs):
            raise MisfitError
        for index, info in self._inputs:
            array = feeds[info.name]
            if self._bound[index] is not array:
                self._bind(index, info, array)
        if self._dynamic:
            return self._run_dynamic()
        self._infer(share_outputs=True)
        return dict(self._views)

    def bytes_copied(self) -> dict[str, int]:
        """Return the bytes that a run copies: outputs of a dynamic model, known after the first run.

        Feeds that are read-only or not contiguous are copied, too; they are not counted.
        """
        if not self._dynamic:
            return {"inputs": 0, "outputs": 0}
        if not self._proven:
            return {"inputs": 0}
        return {"inputs": 0, "outputs": sum(self._view(index, info).nbytes for index, info in self._outputs)}

    def _run_dynamic(self) -> Outputs:
        self._prove()
        self._infer(share_outputs=True)
        # a view would point to freed memory after a run with larger outputs
        return {info.name: self._view(index, info).copy() for index, info in self._outputs}

    def _prove(self) -> None:
        """Check new shapes by reshaping the network, since OpenVINO does not check them when it runs."""
        shapes = tuple(self._shapes)
        if shapes in self._proven:
            return
        sizes = {info.name: shape for (_, info), shape in zip(self._inputs, shapes, strict=True)}
        try:
            self._network.reshape(dict(zip(self._network.inputs, map(list, shapes), strict=True)))
        except RuntimeError as error:
            raise _ports.unfit(sizes, error) from error
        self._proven.add(shapes)

    def _bind(self, index: int, info: TensorInfo, array: Any) -> None:
        if feed_checks.misfit(array, info):
            raise MisfitError
        self._bound[index] = UNBOUND
        shareable = array.flags.c_contiguous and array.flags.writeable and array.size
        self._fed[index] = array if shareable else np.array(array, order="C")
        self._request.set_input_tensor(index, _tensor(self._fed[index], info))
        self._shapes[index] = array.shape
        if shareable:  # others are copied on each run, since their content may change
            self._bound[index] = array

    def _view(self, index: int, info: TensorInfo) -> Any:
        data = self._request.get_output_tensor(index).data
        return _extended(data.view(BITS[info.dtype]), info.dtype) if info.dtype in NARROW else data


def _tensor(array: np.ndarray[Any, Any], info: TensorInfo) -> Any:
    if info.dtype in NARROW:
        element = getattr(openvino.Type, NARROW[info.dtype])
        return openvino.Tensor(array.view(BITS[info.dtype]), list(array.shape), element)
    return openvino.Tensor(array, shared_memory=True)


def _extended(bits: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return bits in the type of ml_dtypes if that is installed, otherwise unchanged."""
    try:
        import ml_dtypes
    except ImportError:
        return bits
    return bits.view(getattr(ml_dtypes, dtype))
