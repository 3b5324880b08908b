"""Tells what an engine is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._enums import MAJOR, LayerInformationFormat
from ._native import Enumeration, Native, _refuse, api

if TYPE_CHECKING:
    from ._context import IExecutionContext
    from ._program import Layer, Program

_FORMATS = {
    "FLOAT": ("Row major linear", "FP32"),
    "HALF": ("Row major linear", "FP16"),
    "BF16": ("Row major linear", "BFloat16"),
    "INT8": ("Row major linear", "Int8"),
    "INT32": ("Row major linear", "Int32"),
    "INT64": ("Row major linear", "Int64"),
    "BOOL": ("Row major linear", "Bool"),
    "UINT8": ("Row major linear", "UInt8"),
    "FP8": ("Row major linear", "FP8"),
}


class EngineInspector(Native):
    def __init__(self, engine: Native, program: Program) -> None:
        super().__init__(engine._logger, engine)
        self._program = program
        self._context: IExecutionContext | None = None

    @property
    def execution_context(self) -> IExecutionContext | None:
        return self._context

    @execution_context.setter
    def execution_context(self, context: Any) -> None:
        if context is not None and type(context).__name__ != "IExecutionContext":
            raise _refuse("EngineInspector.execution_context", (context,))
        self._context = context

    @api(int, LayerInformationFormat, fails="")
    def get_layer_information(self, layer_index: int, format: Enumeration) -> str:  # noqa: A002 - the library's name
        if not 0 <= layer_index < len(self._program.layers):
            return ""
        return _text(self._layer(self._program.layers[layer_index]), format)

    @api(LayerInformationFormat, fails="")
    def get_engine_information(self, format: Enumeration) -> str:  # noqa: A002 - the library's name
        names = [each.name for each in self._program.tensors]
        silent = self._program.verbosity == "NONE"
        layers = [] if silent else [self._layer(each) for each in self._program.layers]
        if format.name == "ONELINE":
            return "\n".join(_text(each, format) for each in layers)
        return json.dumps({"Layers": layers, "I/O Tensors" if MAJOR > 10 else "Bindings": names})

    def _layer(self, layer: Layer) -> Any:
        if self._program.verbosity != "DETAILED":
            return layer.name
        outside = "FLOAT" if layer.precision == "INT8" and layer.kind != "QUANTIZE" else layer.precision
        return {
            "Name": layer.name,
            "LayerType": "DLA" if layer.on_dla else layer.kind.title().replace("_", ""),
            "Inputs": [self._tensor(each, layer.precision) for each in layer.inputs],
            "Outputs": [self._tensor(each, outside) for each in layer.outputs if each],
            "ParameterType": layer.operator,
            "TacticName": "fake",
            "StreamId": 0,
            "Metadata": f"[ONNX Layer: {layer.name}]",
        }

    def _tensor(self, name: str, precision: str) -> dict[str, Any]:
        known = self._program.tensor(name)
        layout, kind = _FORMATS[known.dtype if known else precision]
        shape = list(known.shape if known else self._program.intermediates.get(name, ()))
        if known and self._context is not None:
            shape = list(self._context._shape(name))
        typed = {"Format": layout, "Datatype": kind} if MAJOR > 10 else {"Format/Datatype": f"{layout} {kind}"}
        return {"Name": name, "Location": "Device", "Dimensions": shape, **typed}


def _text(layer: Any, format: Enumeration) -> str:  # noqa: A002 - the library's name
    if format.name == "JSON":
        return json.dumps(layer)
    return layer if isinstance(layer, str) else f"{layer['Name']}, LayerType: {layer['LayerType']}"
