"""Builds a plan from an ONNX model."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench_trt import _devices, _dla, _precisions, _profiles, _sources, _timing_cache
from lpbench_trt._library import library, trt
from lpbench_trt._logger import log
from lpbench_trt._parse import parse
from lpbench_trt._progress import reporting
from lpbench_trt._types import numpy_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_trt._options import BuildOptions

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Built:
    """A plan that was built.

    :param content: The bytes, in TensorRT's memory.
    :param build_s: Seconds that it took, reading the model included.
    :param facts: As JSON values: what was asked for, shapes to optimise for, layers that fell back from a DLA core.
    :param inputs: As the plan has them; ``outputs`` likewise.
    """

    content: memoryview
    build_s: float
    facts: Mapping[str, Any]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def build(model: Model, options: BuildOptions, shapes: Shapes, timings: str = "") -> Built:
    """Build a plan for the selected device.

    :param timings: Names the cache of kernels' timings; empty builds without.
    :raises EngineError: The model cannot be read, or not be built as requested; the error names the file.
    """
    try:
        return _built(model, options, shapes, timings)
    except EngineError as error:
        error.where = error.where or str(model.path)
        raise
    except (RuntimeError, TypeError) as error:  # pybind11's: TypeError where the library returns no object
        raise log().explained(f"TensorRT raised {type(error).__name__}: {error}", str(model.path)) from error
    except UnicodeError as error:  # the bindings hand out names as the file has them
        raise EngineError(f"a text in it is not UTF-8: {error}", where=str(model.path)) from error


def _built(model: Model, options: BuildOptions, shapes: Shapes, timings: str) -> Built:
    begun = time.monotonic()
    _sources.refuse_missing(model)
    _precisions.check(options)
    builder = new_builder()
    draft = parse(builder, model.path, typed=options.typed)
    _limit(draft.config, options)
    _precisions.allow(draft, options)
    best = _profiles.add(draft, model, options, shapes)
    fallback = _dla.assign(draft, options)
    with _timed(draft.config, timings), reporting(draft.config):
        log().clear()
        plan = builder.build_serialized_network(draft.network, draft.config)
    if plan is None:
        raise log().explained("cannot build the plan", hint=_remedy())
    facts = {
        "tf32": options.tf32,
        **({"optimized_for": {name: list(shape) for name, shape in best.items()}} if best else {}),
        **({"dla_fallback_layers": fallback} if fallback else {}),
    }
    inputs, outputs = (tuple(_info(tensor, best) for tensor in side) for side in (draft.inputs(), draft.outputs()))
    return Built(memoryview(plan), time.monotonic() - begun, facts, inputs, outputs)


def _info(tensor: trt.ITensor, best: Mapping[str, tuple[int, ...]]) -> TensorInfo:
    """Return an input or output; what is open has no size, unless the plan is built for one alone."""
    shape = tuple(None if size < 0 else size for size in tensor.shape)
    return TensorInfo(tensor.name, numpy_name(tensor.dtype, f'tensor "{tensor.name}"'), best.get(tensor.name, shape))


def new_builder() -> trt.Builder:
    """Return a builder.

    :raises EngineError: TensorRT does not work with this driver.
    """
    log().clear()
    try:
        return trt.Builder(log())
    except TypeError as error:  # what the bindings make of a null pointer
        hint = "lpbench engines --probe tells whether driver, CUDA and TensorRT fit"
        raise log().explained("cannot make a builder", hint=hint) from error


def _limit(config: trt.IBuilderConfig, options: BuildOptions) -> None:
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # layers tell names and precisions
    if options.workspace_mb:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb * MEBIBYTE)
    if options.optimization_level >= 0:
        config.builder_optimization_level = options.optimization_level
    if options.max_aux_streams >= 0:
        config.max_aux_streams = options.max_aux_streams


@contextlib.contextmanager
def _timed(config: trt.IBuilderConfig, timings: str) -> Iterator[None]:
    if not timings or library().is_rtx:
        yield
        return
    with _timing_cache.kept(config, timings):
        yield


def _remedy() -> str:
    left = _devices.memory_left()
    if not left:
        return ""
    return f"{left}; if that is too little: free some, or give smaller shapes or a smaller workspace_mb"
