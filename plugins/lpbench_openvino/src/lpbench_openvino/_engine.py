"""Opens models with OpenVINO."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openvino

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit.cores import physical_cores
from lpbench_openvino import _devices, _model, _nodes, _ports, _precision
from lpbench_openvino._exposed import ExposedSession, expose
from lpbench_openvino._session import Loaded, OpenvinoSession
from lpbench_openvino._text import plain_words
from lpbench_openvino.config import AUTO, OpenvinoConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.plugin.engine import Model, Session, Shapes
    from lpbench_openvino._stated import Facts

HINTS = {"F32": "f32", "F16": "f16", "BF16": "bf16"}
"""OpenVINO's names for the precisions that can be requested."""


class OpenvinoEngine(Engine[OpenvinoConfig]):
    """OpenVINO; reads its own format, ONNX and TFLite."""

    def open(self, model: Model, config: OpenvinoConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model on the config's device in the config's precision, without falling back to others.

        :raises EngineError: The model cannot be loaded as requested; the error names the file.
        """
        config = config or OpenvinoConfig()
        with _naming(model):
            return OpenvinoSession(_load(_read(model, config, shapes), profile=profile), profile=profile)

    def open_exposed(self, model: Model, config: OpenvinoConfig | None, /, *, shapes: Shapes) -> Session:
        """Load the model with every tensor named in its file as an output; ``describe`` returns ``makers``.

        :raises EngineError: As for ``open``.
        """
        config = config or OpenvinoConfig()
        with _naming(model):
            source = _read(model, config, shapes)
            made = expose(source.network)
            return ExposedSession(_load(source), made)


@contextlib.contextmanager
def _naming(model: Model) -> Iterator[None]:
    """Add the model's file to errors."""
    try:
        yield
    except EngineError as error:
        error.where = error.where or str(model.path)
        raise
    except UnicodeDecodeError as error:  # the library hands out names and its messages as they are
        raise EngineError(f"a text in it is not UTF-8: {error}", where=str(model.path)) from error


@dataclass(frozen=True)
class _Source:
    """A model that was read: the network with the requested shapes, and what its file states."""

    core: Any
    model: Model
    config: OpenvinoConfig
    network: Any
    stated: Mapping[str, Facts]


def _read(model: Model, config: OpenvinoConfig, shapes: Shapes) -> _Source:
    core = openvino.Core()
    _devices.require(core, config.target, config.device)
    network, stated = _model.read(core, model, config.signature)
    _ports.fix(network, shapes, stated, model.inputs)
    return _Source(core, model, config, network, stated)


def _load(source: _Source, *, profile: bool = False) -> Loaded:
    config = source.config
    compiled = _compile(source.core, source.network, config, profile=profile)
    _refuse_other_device(compiled, config)
    layers = _nodes.nodes(compiled)
    _precision.refuse_unmet(compiled, config, layers)
    return Loaded(source.model.path, config, source.network, source.core, compiled, layers, source.stated)


def _compile(core: Any, network: Any, config: OpenvinoConfig, *, profile: bool) -> Any:
    try:
        return core.compile_model(network, config.target, _properties(config, profile=profile))
    except RuntimeError as error:
        what = f"OpenVINO {openvino.__version__} cannot compile the model for {config.unit}: {plain_words(error)}"
        hint = "use the names of OpenVINO's properties" if "property" in what else ""
        raise EngineError(what, hint=hint) from error


def _properties(config: OpenvinoConfig, *, profile: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {"PERF_COUNT": profile}
    hinted = config.hint != "none"
    if config.precision != AUTO:
        properties["INFERENCE_PRECISION_HINT"] = HINTS[config.precision]
    if hinted:
        properties["PERFORMANCE_HINT"] = config.hint.upper()
    if config.streams or not hinted:
        properties["NUM_STREAMS"] = config.streams or 1
    if config.target == "CPU":
        properties["ENABLE_CPU_PINNING"] = config.pinning
        if config.threads or not hinted:
            properties["INFERENCE_NUM_THREADS"] = config.threads or physical_cores()
    if config.cache_dir:
        properties["CACHE_DIR"] = config.cache_dir
    return {**properties, **config.properties}


def _refuse_other_device(compiled: Any, config: OpenvinoConfig) -> None:
    """Refuse a model that was compiled for another device than the requested one."""
    devices = [name.partition(".")[0] for name in compiled.get_property("EXECUTION_DEVICES")]
    if set(devices) != {config.processor}:
        raise EngineError(
            f'device "{config.device}" was requested; OpenVINO runs the model on {", ".join(devices)}',
            hint="request that device by its name",
        )
