"""Opens models with TensorRT."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit.resources import Resources, let_go
from lpbench_trt import _inspect, _loading, _ranges, _tensors
from lpbench_trt._call import Call
from lpbench_trt._cuda import cuda
from lpbench_trt._logger import log
from lpbench_trt._session import TensorrtSession
from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.engine import Model, Shapes


class TensorrtEngine(Engine[TensorrtConfig]):
    """TensorRT; reads plans, and builds them from ONNX."""

    def open(
        self, model: Model, config: TensorrtConfig | None, /, *, shapes: Shapes, profile: bool = False
    ) -> TensorrtSession:
        """Load the model's plan, which is built first if it is neither given nor in lpbench's cache.

        :raises EngineError: The model cannot be built or loaded as requested; the error names the file.
        """
        resources = Resources()
        try:
            with _naming(model):
                return _open(model, config or TensorrtConfig(), shapes, resources, profile=profile)
        except BaseException as error:
            let_go(error)
            with contextlib.suppress(EngineError):  # the first error is the one to know
                cuda().clear_error()  # a later call in this thread would report it again
                resources.close()
            raise


@contextlib.contextmanager
def _naming(model: Model) -> Iterator[None]:
    """Add the model's file to errors, and put into words those that TensorRT's bindings raise."""
    try:
        yield
    except EngineError as error:
        error.where = error.where or str(model.path)
        raise
    except (RuntimeError, TypeError, UnicodeError) as error:  # pybind11's: TypeError where there is no object
        raise log().explained(f"TensorRT raised {type(error).__name__}: {error}", str(model.path)) from error


def _open(
    model: Model, config: TensorrtConfig, shapes: Shapes, resources: Resources, *, profile: bool
) -> TensorrtSession:
    log().clear()
    loaded = _loading.load(model, config, shapes, cuda(), resources)
    if loaded.plan.from_cache is None:
        _inspect.require(loaded.engine, config.precision)
    inputs, outputs = _tensors.tensors(loaded.engine, model)
    ranges = _ranges.ranges(loaded.engine, inputs)
    tensors = ranges.fixed(inputs, shapes), outputs
    call = Call(loaded.lane, loaded.context, tensors, ranges, profile=profile)
    resources.add(call.release)
    resources.add(loaded.lane.select)  # what is released belongs to a device, which is the thread's own choice
    call.prepare()
    log().clear()
    return TensorrtSession(loaded, call, resources)
