"""The parser of ONNX models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it brings no types
from onnx import external_data_helper

from . import _analysis
from ._enums import MAJOR, ErrorCode, OnnxParserFlag
from ._logger import ILogger
from ._native import ERROR, NEVER, WARNING, Enumeration, Native, _refuse, api
from ._network import INetworkDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator


class ParserError:
    """What the parser found wrong, and where."""

    def __init__(self, code: Enumeration, desc: str, node: int = -1, where: Any = None) -> None:
        self._code, self._desc, self._node = code, desc, node
        self._name: str = "" if where is None else where.name
        self._operator: str = "" if where is None else where.op_type

    def code(self) -> Enumeration:
        return self._code

    def desc(self) -> str:
        return self._desc

    def file(self) -> str:
        return "ModelImporter.cpp"

    def line(self) -> int:
        return 126

    def func(self) -> str:
        return "parseNode"

    def node(self) -> int:
        return self._node

    def node_name(self) -> str:
        return self._name

    def node_operator(self) -> str:
        return self._operator

    def __str__(self) -> str:
        where = f"In node {self._node} with name: {self._name} and operator: {self._operator} "
        return f"{where if self._operator else ''}({self.func()}): {self._code.name}: {self._desc}"


class OnnxParser(Native):
    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        if not isinstance(network, INetworkDefinition) or not isinstance(logger, ILogger):
            raise _refuse("OnnxParser.__init__", (network, logger))
        super().__init__(logger)
        self._network = network
        self._errors: list[ParserError] = []
        self.flags = 0

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    @api(int, fails=NEVER)
    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    @api(fails=NEVER)
    def clear_errors(self) -> None:
        self._errors = []

    @api(OnnxParserFlag, fails=NEVER)
    def set_flag(self, flag: Enumeration) -> None:
        self.flags |= 1 << flag.value

    @api(OnnxParserFlag, fails=NEVER)
    def get_flag(self, flag: Enumeration) -> bool:
        return bool(self.flags >> flag.value & 1)

    @api(fails=NEVER)
    def get_used_vc_plugin_libraries(self) -> list[str]:
        return []

    @api(object, (str, type(None)), fails=False, needed=1)
    def parse(self, model: Any, path: str | None = None) -> bool:
        try:
            content = bytes(memoryview(model))
        except TypeError:
            raise _refuse("OnnxParser.parse", (model,)) from None
        return self._parse(content, Path(path).parent if path else None)

    @api(str, fails=False)
    def parse_from_file(self, model: str) -> bool:
        try:
            content = Path(model).read_bytes()
        except OSError:
            return self._refuse([ParserError(ErrorCode.MODEL_DESERIALIZE_FAILED, f"Failed to open file: {model}")])
        return self._parse(content, Path(model).parent)

    @api(object, (str, type(None)), fails=False, needed=1)
    def supports_model_v2(self, model: Any, path: str | None = None) -> bool:
        try:
            loaded = onnx.load_from_string(bytes(memoryview(model)))
        except DecodeError:
            return False
        return not list(_problems(loaded))

    def _refuse(self, errors: list[ParserError]) -> bool:
        self._errors += errors
        for each in errors:
            self._say(ERROR, str(each))
        return False

    def _parse(self, content: bytes, folder: Path | None) -> bool:
        if self._network.has_implicit_batch_dimension:
            text = "This version of the ONNX parser only supports networks with an explicit batch dimension"
            return self._refuse([ParserError(ErrorCode.INVALID_VALUE, text)])
        if self._network.num_layers:
            return self._refuse([ParserError(ErrorCode.UNSUPPORTED_GRAPH, "Assertion failed: !_current_graph")])
        try:
            model = onnx.load_from_string(content)
        except DecodeError:
            model = onnx.ModelProto()
        if not model.graph.node and not model.graph.output:
            return self._refuse([ParserError(ErrorCode.MODEL_DESERIALIZE_FAILED, "Failed to parse the ONNX model.")])
        errors = list(_weights(model, folder)) or list(_problems(model))
        if errors:
            return self._refuse(errors)
        if MAJOR < 10 and any(_is_int64(each) for each in (*model.graph.initializer, *model.graph.input)):
            self._say(WARNING, "Your ONNX model has been generated with INT64 weights, while TensorRT does not natively"
                      " support INT64. Attempting to cast down to INT32.")  # fmt: skip
        self._network._fill(_analysis.with_types(model))
        return True


def _is_int64(value: Any) -> bool:
    if isinstance(value, onnx.TensorProto):
        return bool(value.data_type == onnx.TensorProto.INT64)
    return bool(value.type.tensor_type.elem_type == onnx.TensorProto.INT64)


def _weights(model: Any, folder: Path | None) -> Iterator[ParserError]:
    """Load the data that lie beside the model."""
    for tensor in model.graph.initializer:
        if not external_data_helper.uses_external_data(tensor):
            continue
        place = next(each.value for each in tensor.external_data if each.key == "location")
        try:
            if folder is None:
                raise FileNotFoundError
            external_data_helper.load_external_data_for_tensor(tensor, str(folder))
        except (OSError, ValueError, onnx.checker.ValidationError):
            yield ParserError(ErrorCode.INVALID_GRAPH, f"Failed to open file: {place}")
            return
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _problems(model: Any) -> Iterator[ParserError]:
    """Find what the parser refuses in a graph."""
    graph = model.graph
    fixed = _analysis.constants(graph)
    for each in (*_analysis.graph_inputs(graph), *graph.output):
        kind = each.type.tensor_type.elem_type
        if kind and _analysis.data_type(kind) is None:
            name = onnx.TensorProto.DataType.Name(kind)
            text = f"Failed to convert ONNX data type {name} of {each.name} to a TensorRT data type."
            yield ParserError(ErrorCode.UNSUPPORTED_GRAPH, text)
    for index, node in enumerate(graph.node):
        if not _analysis.known(node):
            text = 'creator && "Plugin not found, are the plugin name, version, and namespace correct?"'
            yield ParserError(ErrorCode.UNSUPPORTED_NODE, text, index, node)
        elif node.op_type in {"QuantizeLinear", "DequantizeLinear"} and len(node.input) > 2:
            zero = fixed.get(node.input[2])
            if zero is not None and (zero.any() or str(zero.dtype) not in {"int8", "float8_e4m3fn"}):
                text = "Assertion failed: shiftIsAllZeros(zeroPoint): Non-zero zero point is not supported."
                yield ParserError(ErrorCode.UNSUPPORTED_NODE, text, index, node)
