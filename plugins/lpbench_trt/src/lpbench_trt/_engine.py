"""Opens models with TensorRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import Engine
from lpbench.plugin.kit.device_session import naming
from lpbench.plugin.kit.resources import acquiring
from lpbench_trt import _inspect, _loading, _ranges, _tensors
from lpbench_trt._call import Call
from lpbench_trt._cuda import cuda
from lpbench_trt._logger import log
from lpbench_trt._session import TensorrtSession
from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from lpbench.plugin.engine import EngineError, Model, Shapes
    from lpbench.plugin.kit.resources import Resources

RAISED = (RuntimeError, TypeError, UnicodeError)
"""What TensorRT's bindings raise: TypeError where there is no object."""


class TensorrtEngine(Engine[TensorrtConfig]):
    """TensorRT; reads plans, and builds them from ONNX."""

    def open(
        self, model: Model, config: TensorrtConfig | None, /, *, shapes: Shapes, profile: bool = False
    ) -> TensorrtSession:
        """Load the model's plan, which is built first if it is neither given nor in lpbench's cache.

        :raises EngineError: The model cannot be built or loaded as requested; the error names the file.
        """
        with acquiring(_forget_error) as resources, naming(model.path, RAISED, _in_words):
            return _open(model, config or TensorrtConfig(), shapes, resources, profile=profile)


def _forget_error() -> None:
    cuda().clear_error()  # a later call in this thread would report it again


def _in_words(error: Exception) -> EngineError:
    return log().explained(f"TensorRT raised {type(error).__name__}: {error}")


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
