"""Opens models with ncnn."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import ncnn

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit.cores import physical_cores
from lpbench_ncnn import _cores, _devices, _net, _param, _precision, _shapes, _weights
from lpbench_ncnn._session import Loaded, NcnnSession
from lpbench_ncnn.config import NcnnConfig

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from lpbench.plugin.engine import Model, Session, Shapes
    from lpbench_ncnn._devices import Device
    from lpbench_ncnn._param import Graph


class NcnnEngine(Engine[NcnnConfig]):
    """ncnn; reads a .param with the .bin beside it."""

    def open(self, model: Model, config: NcnnConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model on the config's device; ``profile`` has no effect, since ncnn does not support profiles.

        :raises EngineError: The model cannot be loaded as requested; the error names the file.
        """
        config = config or NcnnConfig()
        try:
            with contextlib.ExitStack() as stack:
                session = _open(model, config, shapes, stack)
                session.keep(stack.pop_all())
                return session
        except EngineError as error:
            error.where = error.where or str(model.path)
            raise


def _open(model: Model, config: NcnnConfig, shapes: Shapes, stack: contextlib.ExitStack) -> NcnnSession:
    _check_files(model)
    graph = _param.read(model.path)
    _refuse_unknown(graph)
    weights = _weights.find(model, graph)
    _weights.check(graph, weights)
    plan = _shapes.plan(graph, model, shapes)
    device = _devices.resolve(config)
    threads = config.threads or physical_cores()
    _refuse_wrong_results(graph, config, threads, device)
    stack.enter_context(_cores.bound(config.powersave))
    net = _net.make(config, threads, device)
    stack.callback(net.clear)
    _load(net, model, weights)
    if device is not None and not net.opt.use_vulkan_compute:
        raise EngineError(
            f"ncnn did not accept {device.label} and would use the CPU",
            hint="update ncnn or the driver, choose precision F32, or use device cpu",
        )
    return NcnnSession(Loaded(model.path, graph, plan, config, threads, device, net))


def _check_files(model: Model) -> None:
    for path in (model.path, *model.extra):
        if not path.is_file():
            raise EngineError(
                f"{path.name} {'is not a file' if path.exists() else 'does not exist'}",
                hint=f"looked in {path.parent.resolve()}",
            )


def _refuse_unknown(graph: Graph) -> None:
    unknown = graph.unknown(lambda kind: ncnn.layer_to_index(kind) >= 0)
    if unknown:
        what = f"ncnn {ncnn.__version__} does not support these operators: {', '.join(unknown)}"
        left = any("." in kind or "::" in kind for kind in unknown)
        hint = (
            "pnnx could not convert them"
            if left
            else "the model needs a newer ncnn, or custom layers that ncnn does not have"
        )
        raise EngineError(what, hint=hint)


def _refuse_wrong_results(graph: Graph, config: NcnnConfig, threads: int, device: Device | None) -> None:
    """Refuse int8_inference=false if ncnn computes wrongly with 8-bit weights; on CPUs it gives nan."""
    if config.int8_inference or not any(map(_precision.is_quantised, graph.layers)):
        return
    computed = _precision.eight_bits(config, threads, device)
    if computed not in {"S8", "F32"}:
        raise EngineError(
            f"without int8_inference ncnn {ncnn.__version__} turns 0.4 into {computed} in a layer quantised to 8 bits",
            hint="leave int8_inference on, or convert the model without quantisation",
        )


def _load(net: Any, model: Model, weights: Path) -> None:
    code = net.load_param(str(model.path))
    if code:
        raise EngineError(
            f"ncnn {ncnn.__version__} cannot load the model (code {code})",
            hint="its messages are on standard error; fetch or convert the model again",
        )
    _weights.load(net, model, weights)
