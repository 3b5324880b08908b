"""A network's inputs and outputs as TensorInfo, and shapes for its open dimensions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import openvino

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit import feed_checks
from lpbench_openvino._stated import NOTHING
from lpbench_openvino._text import plain_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes
    from lpbench_openvino._stated import Facts

    Stated = Mapping[str, Facts]

SINK = "/sink_port_0"
"""Suffix that OpenVINO adds to an output's name."""
TYPES = {
    "f64": "float64",
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "f8e4m3": "float8_e4m3fn",
    "f8e5m2": "float8_e5m2",
    "i8": "int8",
    "u8": "uint8",
    "i16": "int16",
    "u16": "uint16",
    "i32": "int32",
    "u32": "uint32",
    "i64": "int64",
    "u64": "uint64",
    "boolean": "bool",
}
"""OpenVINO's names of element types, with numpy's or those of ml_dtypes."""


def inputs(network: Any, stated: Stated) -> tuple[TensorInfo, ...]:
    """Return a network's inputs; one of unknown rank has the shape ``()``, like a scalar.

    :param stated: What the model's file states of them.
    :raises EngineError: An input has an unsupported type.
    """
    return tuple(_info(port, "input", stated) for port in network.inputs)


def outputs(network: Any, stated: Stated) -> tuple[TensorInfo, ...]:
    """Return a network's outputs; see ``inputs``."""
    return tuple(_info(port, "output", stated) for port in network.outputs)


def fix(network: Any, shapes: Shapes, stated: Stated, app: Sequence[TensorInfo] = ()) -> None:
    """Give a network's inputs the requested shapes, and open dimensions of one name the same size.

    :param app: What the app states of the inputs: the shapes of those of unknown rank.
    :raises EngineError: A shape is for an unknown input, contradicts the model, or is required and missing.
    """
    known = inputs(network, stated)
    ports = list(zip(network.inputs, known, strict=True))
    unranked = [info.name for port, info in ports if _unranked(port, stated.get(info.name, NOTHING))]
    shapes = feed_checks.ranked(unranked, app, shapes)
    ranked = [dataclasses.replace(info, shape=shapes[info.name]) if info.name in unranked else info for info in known]
    fixed = feed_checks.fixed(ranked, shapes)
    if not shapes:
        return
    try:
        network.reshape({port: _partial(port, info) for port, info in zip(network.inputs, fixed, strict=True)})
    except RuntimeError as error:
        raise unfit(shapes, error) from error


def unfit(shapes: Shapes, error: RuntimeError) -> EngineError:
    """Return the error for shapes that contradict each other or the network's layers."""
    requested = ", ".join(f'"{name}" {feed_checks.text(shape)}' for name, shape in shapes.items())
    what = f"the model does not accept {requested}: {plain_words(error)}"
    return EngineError(what, hint="give related inputs shapes that match")


def _partial(port: Any, info: TensorInfo) -> Any:
    """Return an input's shape for OpenVINO; dimensions that stay open keep their limits."""
    same = not port.partial_shape.rank.is_dynamic and len(port.partial_shape) == len(info.shape)
    own = port.partial_shape if same else [openvino.Dimension()] * len(info.shape)
    sizes = zip(info.shape, own, strict=True)
    return openvino.PartialShape([size if isinstance(size, int) else limits for size, limits in sizes])


def _unranked(port: Any, facts: Facts) -> bool:
    return port.partial_shape.rank.is_dynamic or not facts.ranked


def _info(port: Any, kind: str, stated: Stated) -> TensorInfo:
    name, element = _name(port), port.element_type.get_type_name()
    if element not in TYPES:
        raise EngineError(
            f'{kind} "{name}" is {element}, which cannot be passed to OpenVINO',
            hint="convert the model to types that numpy has",
        )
    facts = stated.get(name, NOTHING)
    shape = _sizes(port.partial_shape, facts.shape)
    return TensorInfo(name, TYPES[element], shape, facts.layout, facts.scale, facts.zero_point)


def _sizes(shape: Any, stated: Sequence[int | str | None]) -> tuple[int | str | None, ...]:
    if shape.rank.is_dynamic:
        return ()
    known = tuple(size.get_length() if size.is_static else None for size in shape)
    if len(known) != len(stated):
        return known
    return tuple(
        name if size is None and isinstance(name, str) else size for size, name in zip(known, stated, strict=True)
    )


def _name(port: Any) -> str:
    """Return a port's name; of several, its node's name, since OpenVINO's own choice may vary."""
    own = str(port.get_node().get_friendly_name()).removesuffix(SINK)
    names = port.get_names()
    return own if own in names else str(min(names, default=own))
