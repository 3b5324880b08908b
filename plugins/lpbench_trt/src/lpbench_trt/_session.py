"""An engine of TensorRT's with one execution context, ready to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.device_session import DeviceSession
from lpbench_trt import _inspect, _memory
from lpbench_trt._call import Call
from lpbench_trt._library import library
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.kit.resources import Resources
    from lpbench_trt._call import Lane
    from lpbench_trt._cuda import Device
    from lpbench_trt._inspect import Layer
    from lpbench_trt._library import trt


@dataclass(frozen=True)
class PlanFacts:
    """What is known of a plan whose bytes are not kept.

    :param size: Bytes.
    :param facts: As in ``_plans.Plan``, as the others are.
    """

    size: int
    from_cache: bool | None
    build_s: float | None
    facts: Mapping[str, Any]


@dataclass
class Loaded:
    """TensorRT's objects, each of which needs those before it; deleted one by one, the last first.

    :param opening: Bytes by which the device's free memory fell while the engine was loaded.
    """

    path: Path
    lane: Lane
    device: Device
    plan: PlanFacts
    runtime: trt.Runtime = field(init=False)
    engine: trt.ICudaEngine = field(init=False)
    context: trt.IExecutionContext = field(init=False)
    opening: int = 0


class TensorrtSession(DeviceSession[Call]):
    """One execution context on one stream of CUDA's.

    :param resources: What is released when the session is closed.
    """

    raised = (RuntimeError,)
    lost = "nvidia-smi and the kernel's log (dmesg: Xid) tell more; open the model again, after a reset of the device"

    def __init__(self, loaded: Loaded, call: Call, resources: Resources) -> None:
        super().__init__(loaded.path, call, resources)
        self._loaded: Loaded | None = loaded
        self._layers: Sequence[Layer] | None = None

    def close(self) -> None:
        """Free everything that the session holds.

        :raises EngineError: Something could not be freed; the rest was.
        """
        self._loaded = None
        super().close()

    def in_words(self, error: Exception) -> EngineError:
        """Return the error for what the bindings raised, with TensorRT's reason, which stands in the log alone."""
        raised = f"{type(error).__name__}: {error}"
        return EngineError(": ".join(filter(None, (library().called, raised, log().last()))))

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-tensorrt.md for each key."""
        with self.naming():
            return self._facts(*self._opened())

    def _facts(self, loaded: Loaded, call: Call) -> Mapping[str, Any]:
        config, device, cuda = loaded.lane.config, loaded.device, loaded.lane.cuda
        facts = {
            "version": library().version,
            "library": library().name,
            "device": config.unit,
            "device_name": device.name,
            "processor": config.processor,
            "compute_capability": device.capability,
            "precision_asked": config.precision if loaded.plan.from_cache is not None else None,  # a plan has its own
            **_inspect.precision_facts(self._known_layers(loaded)),
            **loaded.plan.facts,
            "from_cache": loaded.plan.from_cache,
            "build_s": loaded.plan.build_s,
            "plan_bytes": loaded.plan.size,
            "cuda_runtime": cuda.runtime_version(),
            "cuda_driver": cuda.driver_version() or None,
            "layers": int(loaded.engine.num_layers),
            "graph": config.graph,
            "wait": config.wait,
            "bytes_copied": call.bytes_copied(),
        }
        return {key: value for key, value in facts.items() if value is not None}

    def memory(self) -> Mapping[str, int] | None:
        """Return the device memory of weights, activations and the tensors that are passed, in bytes."""
        loaded, call = self._opened()
        with self.naming():
            return _memory.held(loaded.engine, call.buffers(), loaded.opening)

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the nanoseconds of copies to the device, computing and copies back; known with ``profile=True``."""
        _, call = self._opened()
        with self.naming():
            return call.spans()

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each layer that ran, averaged over the runs so far."""
        loaded, call = self._opened()
        if call.times is None:
            raise EngineError("the session was not opened with profile=True", where=str(self.path))
        with self.naming():
            return call.times.records(self._known_layers(loaded))

    def _known_layers(self, loaded: Loaded) -> Sequence[Layer]:
        if self._layers is None:
            self._layers = _inspect.layers(loaded.engine)
        return self._layers

    def _opened(self) -> tuple[Loaded, Call]:
        call = self.opened()
        assert self._loaded is not None  # noqa: S101 - let go of with the call
        return self._loaded, call
