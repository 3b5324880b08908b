"""How one inference is done.

What OpenVINO itself lets through is caught here: it computes with the last array where a
feed is missing, converts types in silence, and answers with the last outputs where shapes
of a dynamic model do not fit each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import openvino

from lpbench.plugin.kit import feed_checks
from lpbench_openvino import _ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

BITS = "uint16"
"""Numpy's type that carries bfloat16, which OpenVINO takes as float16 otherwise."""


UNBOUND = object()
"""Stands where no array is bound, since a user may hand over None."""


class MisfitError(Exception):
    """A feed is missing or has the wrong type or shape; the session says which."""


class Call:
    """Runs one request; feeds are handed over where they lie, outputs are read where they lie.

    Arrays that were bound are not looked at again until another object comes: the checks cost nothing
    in a loop that refills its buffers, and a few microseconds where each sample has arrays of its own.

    :param network: The ``openvino.Model`` that was compiled, to check the shapes of a dynamic one.
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
        self._fed: list[Any] = [None] * len(inputs)  # OpenVINO reads arrays where they lie and keeps none alive
        self._shapes: list[tuple[int, ...]] = [()] * len(inputs)
        self._proven: set[tuple[tuple[int, ...], ...]] = set()
        self._dynamic = any(info.dynamic for info in (*inputs, *outputs))
        self._views = {} if self._dynamic else {info.name: self._view(at, info) for at, info in self._outputs}

    def __call__(self, given: Feeds) -> Outputs:
        if len(given) != len(self._inputs):
            raise MisfitError
        for at, info in self._inputs:
            array = given[info.name]
            if self._bound[at] is not array:
                self._bind(at, info, array)
        if self._dynamic:
            return self._run_dynamic()
        self._infer(share_outputs=True)
        return dict(self._views)

    def bytes_copied(self) -> dict[str, int]:
        """Return bytes that a run copies: outputs of a dynamic model, known once it ran.

        Feeds that are read-only or strided are copied too.
        """
        if not self._dynamic:
            return {"inputs": 0, "outputs": 0}
        if not self._proven:
            return {"inputs": 0}
        return {"inputs": 0, "outputs": sum(self._view(at, info).nbytes for at, info in self._outputs)}

    def _run_dynamic(self) -> Outputs:
        self._prove()
        self._infer(share_outputs=True)
        # a view would show freed memory after the next run with larger outputs
        return {info.name: self._view(at, info).copy() for at, info in self._outputs}

    def _prove(self) -> None:
        """Have OpenVINO check shapes that are new: when it runs, it does not."""
        shapes = tuple(self._shapes)
        if shapes in self._proven:
            return
        sizes = {info.name: shape for (_, info), shape in zip(self._inputs, shapes, strict=True)}
        try:
            self._network.reshape(dict(zip(self._network.inputs, map(list, shapes), strict=True)))
        except RuntimeError as error:
            raise _ports.unfit(sizes, error) from error
        self._proven.add(shapes)

    def _bind(self, at: int, info: TensorInfo, array: Any) -> None:
        if feed_checks.misfit(array, info):
            raise MisfitError
        self._bound[at] = UNBOUND
        shareable = array.flags.c_contiguous and array.flags.writeable and array.size
        self._fed[at] = array if shareable else np.array(array, order="C")
        self._request.set_input_tensor(at, _tensor(self._fed[at], info))
        self._shapes[at] = array.shape
        if shareable:  # others are copied each time, since what they show may change
            self._bound[at] = array

    def _view(self, at: int, info: TensorInfo) -> Any:
        data = self._request.get_output_tensor(at).data
        return _extended(data.view(BITS)) if info.dtype == "bfloat16" else data


def _tensor(array: np.ndarray[Any, Any], info: TensorInfo) -> Any:
    if info.dtype == "bfloat16":
        return openvino.Tensor(array.view(BITS), list(array.shape), openvino.Type.bf16)
    return openvino.Tensor(array, shared_memory=True)


def _extended(bits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return bfloat16 as ml_dtypes' type where that is installed, else as its bits."""
    try:
        import ml_dtypes
    except ImportError:
        return bits
    return bits.view(ml_dtypes.bfloat16)
