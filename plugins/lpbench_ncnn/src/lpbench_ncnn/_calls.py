"""How one inference is done: a function of feeds, made once when a session is opened.

It is called inside the timed region, so whatever can be looked up is looked up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np

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
    """Return a call that copies feeds into arrays of ncnn's and hands out ncnn's own outputs.

    The copy is needed: ncnn's kernels read up to 64 bytes past the end of an array,
    which it allocates for that, and write over arrays that nobody counts.  An output
    is a copy already, which ncnn detaches from its pool; only one whose channels it
    padded is copied again, to be contiguous.
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
                if array.shape != shape:  # copying would spread a smaller one
                    raise ValueError
                copy(room, array, casting="no")
                extractor.input(name, mat)
            found = {}
            for name, at, dtype, known in outputs:
                code, mat = extractor.extract(at)
                if code:
                    raise FailedError(name, code)
                array = contiguous(mat)  # by the buffer protocol: mat.numpy() takes five times as long
                found[name] = (array if dtype is None else array.view(dtype)).reshape(known or (*batch, *array.shape))
            return found
        finally:
            del extractor  # one that outlives its network, in a traceback say, ends the process

    batch = (1,) if plan.batched else ()
    return call


def _room(mat: Any, info: TensorInfo) -> Any:
    """Return an array that shares memory with ncnn's and has the shape that users know."""
    return mat.numpy(KINDS[info.dtype]).reshape(info.shape)


def _outputs(net: Any, plan: Plan) -> list[tuple[str, int, str | None, Shape | None]]:
    """Return name, number, type if it is not float32 and shape if it is known, of each output."""
    index = dict(zip(net.output_names(), net.output_indexes(), strict=True))
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
