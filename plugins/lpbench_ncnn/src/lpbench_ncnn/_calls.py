"""Makes the function that runs one inference, once when a session is opened.

The function is called inside the timed region, so all look-ups are done in advance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np

from lpbench.plugin.engine import EngineError
from lpbench_ncnn._shapes import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench_ncnn._infer import Shape
    from lpbench_ncnn._shapes import Plan

    Call = Callable[[Feeds], Outputs]


class FailedError(Exception):
    """ncnn returned a code instead of an output."""


def make(net: Any, plan: Plan) -> Call:
    """Return a call that copies feeds into ncnn's arrays and returns ncnn's outputs.

    The copy is needed: ncnn's kernels read up to 64 bytes past the end of an array,
    for which ncnn allocates extra space, and overwrite arrays without a reference
    count.  An output is already a copy, which ncnn detaches from its pool; it is
    copied again only if ncnn padded its channels, to make it contiguous.
    """
    mats = {info.name: ncnn.Mat(plan.inner[info.name][::-1]) for info in plan.inputs}
    inputs = [(info.name, info.shape, _room(mats[info.name], info), mats[info.name]) for info in plan.inputs]
    outputs = _outputs(net, plan)
    create, count = net.create_extractor, len(inputs)
    copy, contiguous = np.copyto, np.ascontiguousarray

    def call(feeds: Feeds) -> Outputs:
        if len(feeds) != count:
            raise ValueError
        extractor = create()
        try:
            for name, shape, room, mat in inputs:
                array = feeds[name]
                if array.shape != shape:  # copying would broadcast a smaller one
                    raise ValueError
                copy(room, array, casting="no")
                extractor.input(name, mat)
            results = {}
            for name, index, dtype, known in outputs:
                code, mat = extractor.extract(index)
                if code:
                    raise FailedError(name, code)
                array = contiguous(mat)  # uses the buffer protocol; mat.numpy() takes five times as long
                results[name] = (array if dtype is None else array.view(dtype)).reshape(known or (*batch, *array.shape))
            return results
        finally:
            del extractor  # an extractor that outlives its network, for example in a traceback, ends the process

    batch = (1,) if plan.batched else ()
    return call


def _room(mat: Any, info: TensorInfo) -> Any:
    """Return an array that shares memory with ncnn's array and has the session's shape."""
    return mat.numpy(KINDS[info.dtype]).reshape(info.shape)


def _outputs(net: Any, plan: Plan) -> list[tuple[str, int, str | None, Shape | None]]:
    """Return each output's name, index, type (None for float32) and shape (None if not known)."""
    index = dict(zip(net.output_names(), net.output_indexes(), strict=True))
    if unknown := next((info.name for info in plan.outputs if info.name not in index), None):
        raise EngineError(
            f'ncnn reads the name of output "{unknown}" as another one: {", ".join(index) or "it has no outputs"}',
            hint="names are up to 255 printable characters without spaces: convert the model again",
        )
    return [
        (
            info.name,
            index[info.name],
            None if info.dtype == "float32" else info.dtype,
            _sizes(info.shape) if info.name in plan.known else None,
        )
        for info in plan.outputs
    ]


def _sizes(shape: tuple[int | str | None, ...]) -> Shape:
    return tuple(size for size in shape if isinstance(size, int))
