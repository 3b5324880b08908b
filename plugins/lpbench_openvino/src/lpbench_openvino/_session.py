"""A model compiled by OpenVINO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openvino

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit import feed_checks as shared
from lpbench_openvino import _ports, _precision
from lpbench_openvino._calls import Call
from lpbench_openvino._memory import gpu_memory
from lpbench_openvino._profile import Profile
from lpbench_openvino._text import plain_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench_openvino._nodes import Node
    from lpbench_openvino._stated import Facts
    from lpbench_openvino.config import OpenvinoConfig


@dataclass(frozen=True)
class Loaded:
    """The parts of an open model.

    :param network: ``openvino.Model``, with the shapes in force.
    :param core: ``openvino.Core`` that compiled it, which alone counts its device memory.
    :param compiled: ``openvino.CompiledModel``.
    :param nodes: Layers of the compiled model.
    :param stated: What the model's file states of inputs and outputs, by name.
    """

    path: Path
    config: OpenvinoConfig
    network: Any
    core: Any
    compiled: Any
    nodes: Sequence[Node]
    stated: Mapping[str, Facts]


class OpenvinoSession(Session):
    """One compiled model with one infer request.

    :param profile: Whether to read each layer's time after each run.
    """

    def __init__(self, loaded: Loaded, *, profile: bool) -> None:
        self.inputs = _ports.inputs(loaded.network, loaded.stated)
        self.outputs = _ports.outputs(loaded.network, loaded.stated)
        self._path = loaded.path
        self._loaded: Loaded | None = loaded
        self._request = loaded.compiled.create_infer_request()
        self._call: Call | None = Call(self._request, loaded.network, self.inputs, self.outputs)
        self._profile = Profile() if profile else None

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; with fixed shapes, outputs are views that the next run overwrites."""
        try:
            outputs = self._call(feeds)  # type: ignore[misc] # None once closed, handled below
        except Exception as error:
            raise self._explained(feeds, error) from error
        if self._profile:
            self._profile.add(self._request)
        return outputs

    def close(self) -> None:
        """Free the model."""
        self._call = self._request = self._loaded = None

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-openvino.md for each key."""
        loaded = self._opened()
        config, compiled = loaded.config, loaded.compiled
        build = openvino.get_version()
        facts = {
            "version": build.partition("-")[0],
            "build": build,
            "device": config.unit,
            "device_name": openvino.Core().get_property(config.target, "FULL_DEVICE_NAME"),
            "processor": config.processor,
            "precision_asked": config.precision,
            **_precision.facts(loaded.nodes),
            "threads": _property(compiled, "INFERENCE_NUM_THREADS"),
            "streams": _property(compiled, "NUM_STREAMS"),
            "pinning": _property(compiled, "ENABLE_CPU_PINNING"),
            "hint": config.hint,
            "cache_dir": config.cache_dir or None,
            "from_cache": _property(compiled, "LOADED_FROM_CACHE") if config.cache_dir else None,
            "bytes_copied": self._call.bytes_copied() if self._call else None,
            "properties": _properties(compiled),
        }
        return {key: value for key, value in facts.items() if value is not None}

    def memory(self) -> Mapping[str, int] | None:
        """Return the bytes that OpenVINO holds on the session's GPU by kind of allocation; None on other devices."""
        loaded = self._opened()
        return gpu_memory(loaded.core, loaded.config.target) if loaded.config.processor == "GPU" else None

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each layer that ran, averaged over the runs so far."""
        loaded = self._opened()
        if self._profile is None:
            raise EngineError("the session was not opened with profile=True", where=str(self._path))
        return self._profile.records(loaded.nodes)

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        self._opened()
        what, hint = shared.problem(feeds, self.inputs) or (f"openvino: {plain_words(error)}", "")
        if isinstance(error, EngineError):
            what, hint = error.what, error.hint
        return EngineError(what, where=str(self._path), hint=hint)

    def _opened(self) -> Loaded:
        if self._loaded is None:
            raise EngineError("the session is closed", where=str(self._path))
        return self._loaded


def _property(compiled: Any, name: str) -> Any:
    """Return a property's value, or None if the device does not have it."""
    try:
        return compiled.get_property(name)
    except RuntimeError:
        return None


def _properties(compiled: Any) -> dict[str, str]:
    """Return every property of a compiled model as text, except the list of supported properties."""
    names = sorted(name for name in compiled.get_property("SUPPORTED_PROPERTIES") if name != "SUPPORTED_PROPERTIES")
    values = {name: _property(compiled, name) for name in names}
    return {name: str(value) for name, value in values.items() if value is not None}
