"""Finds the operators of an ONNX model that TensorRT's parser refuses, or that a DLA core leaves to the GPU."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.operators import UnsupportedOperator, grouped
from lpbench_trt import _custom, _devices, _dla, _options, _parse, _sources
from lpbench_trt._build import new_builder
from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.engine import Model
    from lpbench_trt._parse import Draft


def operators(model: Model, config: TensorrtConfig | None) -> tuple[UnsupportedOperator, ...]:
    """Return the operators that TensorRT's parser refuses; for a DLA core, else the layers that it does not run.

    :raises EngineError: The model is a plan, cannot be read for another reason, or there is no GPU or DLA core.
    """
    config = config or TensorrtConfig()
    if model.format != "onnx":
        raise EngineError("a plan is compiled: it does not tell its operators", hint="ask about its ONNX file")
    _devices.here(config.gpu)
    _custom.load(config.plugins)
    _sources.refuse_missing(model)
    options = dataclasses.replace(_options.of(config, config.precision), dla_fallback=True)
    try:
        draft = _parse.parse(new_builder(), model.path, typed=options.typed)
    except _parse.RefusedError as error:
        return grouped(error.nodes)
    return grouped(_left(draft, set(_dla.assign(draft, options))))


def _left(draft: Draft, names: set[str]) -> Iterator[tuple[str, str, str]]:
    for layer in draft.layers():
        if str(layer.name) in names:
            yield str(getattr(layer.type, "name", layer.type)), str(layer.name), "runs on the GPU"
