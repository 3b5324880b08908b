"""From a plan to an engine with a context: TensorRT's objects, and what is released when."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lpbench.plugin.kit.resources import Resources
from lpbench_trt import _dla, _plans
from lpbench_trt._call import Lane
from lpbench_trt._cuda import ACTIVE_PROCESS, NON_BLOCKING, SPIN, CudaError
from lpbench_trt._library import trt
from lpbench_trt._logger import log
from lpbench_trt._session import Loaded, PlanFacts

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model, Shapes
    from lpbench_trt._cuda import Cuda
    from lpbench_trt._plans import Plan
    from lpbench_trt.config import TensorrtConfig

OTHER_BUILD = (
    "a plan runs with the version of TensorRT and on the kind of device that it was built for: build it here, "
    "from its ONNX file"
)
LESS = "free device memory: end other programs on the device, or use smaller shapes"


def load(model: Model, config: TensorrtConfig, shapes: Shapes, cuda: Cuda, resources: Resources) -> Loaded:
    """Return the model's engine, loaded on the config's device.

    :param resources: Takes over what is acquired: released are the engine, then the runtime, then memory and stream.
    :raises EngineError: There is no plan to be had, or TensorRT does not load it.
    """
    cuda.use(config.gpu)
    _spin(cuda, config)
    plan = _plans.obtain(model, config, shapes)
    stream = cuda.made("cudaStreamCreateWithFlags", NON_BLOCKING)
    resources.add(cuda.prepared("cudaStreamDestroy", stream))
    memory = Resources()
    resources.add(memory.close)
    free, _ = cuda.memory()
    facts = PlanFacts(len(plan.content), plan.from_cache, plan.build_s, plan.facts)
    lane = Lane(cuda, config, cuda.prepared("cudaSetDevice", config.gpu), stream, memory)
    loaded = Loaded(model.path, lane, cuda.device(config.gpu), facts)
    loaded.runtime = trt.Runtime(log())
    resources.add(partial(delattr, loaded, "runtime"))
    if config.on_dla:
        _dla.check(config.index, loaded.runtime.num_DLA_cores)
        loaded.runtime.DLA_core = config.index
    loaded.engine = _engine(loaded.runtime, plan)
    resources.add(partial(delattr, loaded, "engine"))
    loaded.context = _context(loaded.engine)
    resources.add(partial(delattr, loaded, "context"))
    loaded.opening = max(0, free - cuda.memory()[0])
    return loaded


def _spin(cuda: Cuda, config: TensorrtConfig) -> None:
    """Have this process spin in waits for the device, which else depends on the number of cores."""
    if config.wait != "spin":
        return
    try:
        cuda.call("cudaSetDeviceFlags", SPIN)
    except CudaError as error:
        if error.code != ACTIVE_PROCESS:  # in use before: an old CUDA keeps the flags, and waits as they say
            raise


def _engine(runtime: trt.Runtime, plan: Plan) -> trt.ICudaEngine:
    engine = runtime.deserialize_cuda_engine(plan.content)
    if engine is None:
        again = f"{LESS}; if there is enough, delete {plan.path.parent}: the plan is built again" if plan.path else LESS
        hint = OTHER_BUILD if plan.from_cache is None else again
        raise log().explained("TensorRT cannot load the plan", hint=hint)
    return engine


def _context(engine: trt.ICudaEngine) -> trt.IExecutionContext:
    context = engine.create_execution_context()
    if context is None:
        raise log().explained("TensorRT cannot prepare the engine to run", hint=LESS)
    return context
