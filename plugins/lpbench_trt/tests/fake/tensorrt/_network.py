"""Networks, as the parser fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx.helper import make_empty_tensor_value_info

from . import _analysis
from ._enums import MAJOR, DataType, LayerType, NetworkDefinitionCreationFlag
from ._native import NEVER, Enumeration, Native, api
from ._values import Dims, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._logger import ILogger

EXPLICIT_BATCH, STRONGLY_TYPED = 1 << 0, 1 << 1


class ITensor:
    """An input or output of a network."""

    def __init__(self, value: Any, dtype: str, *, is_input: bool, is_shape: bool) -> None:
        self._value = value
        self.name: str = value.name
        self._dtype: Enumeration = getattr(DataType, dtype)
        self._shape = _analysis.shape_of(value)
        self.is_network_input = is_input
        self.is_network_output = not is_input
        self.is_shape_tensor = is_shape

    @property
    def shape(self) -> Dims:
        return Dims(self._shape)

    @shape.setter
    def shape(self, given: Any) -> None:
        self._shape = shape_of(given, "ITensor.shape")

    @property
    def dtype(self) -> Enumeration:
        return self._dtype


class ILayer:
    """A layer of a network."""

    def __init__(self, node: Any, index: int, precision: str, outputs: Sequence[ITensor] = ()) -> None:
        self._node = node
        self._outputs = outputs
        self.name: str = node.name or f"{node.op_type}_{index}"
        self.type: Enumeration = getattr(LayerType, _analysis.layer_kind(node))
        self.precision: Enumeration = getattr(DataType, precision)

    @property
    def num_inputs(self) -> int:
        return len(self._node.input)

    @property
    def num_outputs(self) -> int:
        return len(self._node.output)

    def get_output(self, index: int) -> ITensor:
        return self._outputs[index]


class INetworkDefinition(Native):
    def __init__(self, logger: ILogger, flags: int) -> None:
        super().__init__(logger)
        self.name = "Unnamed Network 0"
        self.flags = flags
        self._model: Any = None
        self._inputs: list[ITensor] = []
        self._outputs: list[ITensor] = []
        self._layers: list[ILayer] = []

    @property
    def _strongly_typed(self) -> bool:
        return MAJOR >= 11 or bool(MAJOR >= 10 and self.flags & STRONGLY_TYPED)

    @property
    def has_implicit_batch_dimension(self) -> bool:
        return MAJOR < 10 and not self.flags & EXPLICIT_BATCH

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    @api(int, fails=NEVER)
    def get_input(self, index: int) -> ITensor | None:
        return self._inputs[index] if 0 <= index < len(self._inputs) else None

    @api(int, fails=NEVER)
    def get_output(self, index: int) -> ITensor | None:
        return self._outputs[index] if 0 <= index < len(self._outputs) else None

    @api(int, fails=NEVER)
    def get_layer(self, index: int) -> ILayer | None:
        return self._layers[index] if 0 <= index < len(self._layers) else None

    @api(NetworkDefinitionCreationFlag, fails=NEVER)
    def get_flag(self, flag: Enumeration) -> bool:
        return bool(self.flags >> flag.value & 1)

    def _fill(self, model: Any) -> None:
        """Take the network from a model that the parser has found good."""
        graph = model.graph
        shapes = _analysis.shape_inputs(graph)
        self._model = model
        self.name = graph.name or self.name
        self._inputs = [
            ITensor(each, _dtype(each), is_input=True, is_shape=each.name in shapes)
            for each in _analysis.graph_inputs(graph)
        ]
        self._outputs = [ITensor(each, _dtype(each), is_input=False, is_shape=False) for each in graph.output]
        kinds = {each.name: _dtype(each) for each in (*graph.value_info, *graph.output, *graph.input)}
        self._layers = [
            ILayer(
                node,
                index,
                next((kinds[name] for name in node.output if name in kinds), "FLOAT"),
                [
                    ITensor(
                        make_empty_tensor_value_info(name), kinds.get(name, "FLOAT"), is_input=False, is_shape=False
                    )
                    for name in node.output
                ],
            )
            for index, node in enumerate(graph.node)
        ]


def _dtype(value: Any) -> str:
    return _analysis.data_type(value.type.tensor_type.elem_type) or "FLOAT"
