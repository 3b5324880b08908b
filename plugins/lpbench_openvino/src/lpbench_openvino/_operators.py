"""Finds the operators of a model that OpenVINO cannot read, or that the config's device does not run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import openvino

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import onnx_nodes, tflite_layers
from lpbench.plugin.kit.untrusted import read_regular
from lpbench.plugin.operators import UnsupportedOperator, grouped
from lpbench_openvino import _devices, _model
from lpbench_openvino._text import plain_words
from lpbench_openvino.config import OpenvinoConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Model

LAYER = re.compile(rb'<layer\b[^>]*?\bname="([^"]*)"[^>]*?\btype="([^"]*)"')
BYTES = 256 << 20
"""Largest .xml that is searched for layers."""


def operators(model: Model, config: OpenvinoConfig | None) -> tuple[UnsupportedOperator, ...]:
    """Return the operators that OpenVINO has no rule for, else those that the config's device does not run.

    :raises EngineError: The model cannot be read for another reason, or the device does not tell.
    """
    config = config or OpenvinoConfig()
    core = openvino.Core()
    _devices.require(core, config.target, config.device)
    try:
        network, _ = _model.read(core, model, config.signature)
    except _model.LackingError as error:
        return _unread(model, error.operators)
    try:
        supported = core.query_model(network, config.target)
    except RuntimeError as error:
        raise EngineError(f"OpenVINO does not tell what {config.unit} supports: {plain_words(error)}") from error
    left = [node for node in network.get_ordered_ops() if node.get_friendly_name() not in supported]
    return grouped((node.get_type_name(), node.get_friendly_name(), f"not on {config.unit}") for node in left)


def _unread(model: Model, lacking: Sequence[str]) -> tuple[UnsupportedOperator, ...]:
    names: dict[str, list[str]] = {}
    for kind, name in _layers(model):
        names.setdefault(kind, []).append(name)
    reason = "OpenVINO does not have it" + ("; it tells the first only" if model.format != "onnx" else "")
    return tuple(UnsupportedOperator(kind, tuple(names.get(kind, ())), reason) for kind in lacking)


def _layers(model: Model) -> list[tuple[str, str]]:
    """Return the type and the name of each layer, as far as the file tells both."""
    if model.format == "onnx":
        return [(node.kind, node.name) for node in onnx_nodes.read(model.path).nodes]
    if model.format == "openvino":
        content = read_regular(model.path, limit=BYTES, error=EngineError)
        return [(_text(kind), _text(name)) for name, kind in LAYER.findall(content)]
    return [(layer.custom, graph.name(layer)) for graph in tflite_layers.read(model.path) for layer in graph.layers]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
