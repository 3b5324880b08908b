"""An engine of TensorRT's with one execution context, ready to run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit import device_tensors
from lpbench.plugin.kit.resources import let_go
from lpbench_trt import _inspect, _memory
from lpbench_trt._library import library
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench.plugin.kit.resources import Resources
    from lpbench_trt._call import Call, Lane
    from lpbench_trt._cuda import Device
    from lpbench_trt._inspect import Layer
    from lpbench_trt._library import trt

LOST = "nvidia-smi and the kernel's log (dmesg: Xid) tell more; open the model again, after a reset of the device"
CLOSED = "the session is closed"


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


class TensorrtSession(Session):
    """One execution context on one stream of CUDA's.

    :param resources: What is released when the session is closed.
    """

    def __init__(self, loaded: Loaded, call: Call, resources: Resources) -> None:
        self.inputs, self.outputs = call.infos()
        self._path = loaded.path
        self._loaded: Loaded | None = loaded
        self._call: Call | None = call
        self._resources = resources
        self._layers: Sequence[Layer] | None = None

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; outputs are views of memory that the next run overwrites.

        :raises EngineError: The feeds do not fit, TensorRT or CUDA fails, or the device is lost, which closes the
            session.
        """
        try:
            return self._call(feeds)  # type: ignore[misc] # None once closed, handled below
        except Exception as error:
            raise self._explained(feeds, error) from error

    def close(self) -> None:
        """Free everything that the session holds.

        :raises EngineError: Something could not be freed; the rest was.
        """
        self._call = self._loaded = None
        try:
            self._resources.close()
        except EngineError as error:
            error.where = error.where or str(self._path)
            raise

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-tensorrt.md for each key."""
        with self._naming():
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
        with self._naming():
            return _memory.held(loaded.engine, call.buffers(), loaded.opening)

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the nanoseconds of copies to the device, computing and copies back; known with ``profile=True``."""
        _, call = self._opened()
        with self._naming():
            return call.spans()

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each layer that ran, averaged over the runs so far."""
        loaded, call = self._opened()
        if call.times is None:
            raise EngineError("the session was not opened with profile=True", where=str(self._path))
        with self._naming():
            return call.times.records(self._known_layers(loaded))

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Add the model's file to errors of what is asked, and put into words those of TensorRT's bindings."""
        try:
            yield
        except EngineError as error:
            error.where = error.where or str(self._path)
            raise
        except RuntimeError as error:
            let_go(error)
            raise EngineError(f"{library().called}: {error}", where=str(self._path)) from error

    def _known_layers(self, loaded: Loaded) -> Sequence[Layer]:
        if self._layers is None:
            self._layers = _inspect.layers(loaded.engine)
        return self._layers

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        """Return the error for a run that failed, after making sure that the next one can succeed."""
        _, call = self._opened()
        let_go(error)
        if problem := device_tensors.explain(feeds, self.inputs, error):
            call.unbind()
            what, hint = problem
            return EngineError(what, where=str(self._path), hint=hint)
        what, hint = (error.what, error.hint) if isinstance(error, EngineError) else (_raised(error), "")
        if call.settle():
            with contextlib.suppress(EngineError):  # nothing can be freed on a device that is lost
                self.close()
            what, hint = f"{what}; the device is lost and {CLOSED}", LOST
        return EngineError(what, where=str(self._path), hint=hint)

    def _opened(self) -> tuple[Loaded, Call]:
        if self._loaded is None or self._call is None:
            raise EngineError(CLOSED, where=str(self._path))
        return self._loaded, self._call


def _raised(error: Exception) -> str:
    """Return in words what the bindings raise, with TensorRT's reason, which stands in the log alone."""
    return ": ".join(filter(None, (library().called, f"{type(error).__name__}: {error}", log().last())))
