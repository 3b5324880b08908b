"""Opens models with OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openvino

from lpbench.cores import physical_cores
from lpbench.engine import Engine, EngineError
from lpbench_openvino import _devices, _model, _nodes, _ports, _precision
from lpbench_openvino._session import Loaded, OpenvinoSession
from lpbench_openvino._text import plain_words
from lpbench_openvino.config import AUTO, OpenvinoConfig

if TYPE_CHECKING:
    from lpbench.engine import Model, Session, Shapes

ASKED = {"F32": "f32", "F16": "f16", "BF16": "bf16"}
"""OpenVINO's words for the precisions that can be asked for."""


class OpenvinoEngine(Engine[OpenvinoConfig]):
    """OpenVINO; reads its own format, ONNX and TFLite."""

    def open(self, model: Model, config: OpenvinoConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model on the config's device, in the config's precision; what is not met is an error.

        :raises EngineError: Naming the model's file, what is wrong and what to do.
        """
        try:
            return _open(model, config or OpenvinoConfig(), shapes, profile=profile)
        except EngineError as error:
            raise EngineError(error.what, where=error.where or str(model.path), hint=error.hint) from error.__cause__


def _open(model: Model, config: OpenvinoConfig, shapes: Shapes, *, profile: bool) -> Session:
    core = openvino.Core()
    _devices.require(core, config.target, config.device)
    network = _model.read(core, model)
    _ports.fix(network, shapes)
    compiled = _compile(core, network, config, profile=profile)
    _refuse_other_device(compiled, config)
    found = _nodes.nodes(compiled)
    _precision.refuse_unmet(compiled, config, found)
    return OpenvinoSession(Loaded(model.path, config, network, compiled, found), profile=profile)


def _compile(core: Any, network: Any, config: OpenvinoConfig, *, profile: bool) -> Any:  # noqa: ANN401
    try:
        return core.compile_model(network, config.target, _properties(config, profile=profile))
    except RuntimeError as error:
        what = f"OpenVINO {openvino.__version__} cannot compile it for {config.unit}: {plain_words(error)}"
        hint = "the names are those of OpenVINO's properties" if "property" in what else ""
        raise EngineError(what, hint=hint) from error


def _properties(config: OpenvinoConfig, *, profile: bool) -> dict[str, Any]:
    chosen: dict[str, Any] = {"PERF_COUNT": profile}
    hinted = config.hint != "none"
    if config.precision != AUTO:
        chosen["INFERENCE_PRECISION_HINT"] = ASKED[config.precision]
    if hinted:
        chosen["PERFORMANCE_HINT"] = config.hint.upper()
    if config.streams or not hinted:
        chosen["NUM_STREAMS"] = config.streams or 1
    if config.target == "CPU":
        chosen["ENABLE_CPU_PINNING"] = config.pinning
        if config.threads or not hinted:
            chosen["INFERENCE_NUM_THREADS"] = config.threads or physical_cores()
    if config.cache_dir:
        chosen["CACHE_DIR"] = config.cache_dir
    return {**chosen, **config.properties}


def _refuse_other_device(compiled: Any, config: OpenvinoConfig) -> None:  # noqa: ANN401
    """Refuse a model that was compiled for another device than the one asked for."""
    ran = [name.partition(".")[0] for name in compiled.get_property("EXECUTION_DEVICES")]
    if set(ran) != {config.processor}:
        what = f'device "{config.device}" was asked for; OpenVINO runs it on {", ".join(ran)}'
        raise EngineError(what, hint="ask for that device by its name")
