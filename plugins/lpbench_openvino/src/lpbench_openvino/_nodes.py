"""The layers of a compiled model, with the kernel and the precision that each runs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WORDS = {
    "f64": "F64",
    "f32": "F32",
    "f16": "F16",
    "bf16": "BF16",
    "i8": "S8",
    "u8": "U8",
    "i4": "S4",
    "u4": "U4",
    "bin": "B1",
}
"""lpbench's names of precisions (see the glossary); others, for example of indices, keep OpenVINO's."""

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
UNKNOWN = "dynamic"

STILL = frozenset({"Const", "Constant", "Input", "Output", "Parameter", "Result"})
"""Layers that represent data and compute nothing."""


@dataclass(frozen=True)
class Node:
    """One layer of a compiled model.

    :param name: Name in the model, or OpenVINO's name for an inserted layer.
    :param type: OpenVINO's name of the layer's type.
    :param precision: Precision in which its kernel computes.
    :param kernel: The chosen kernel.
    :param fused: Names of the model's layers that were fused into this one.
    """

    name: str
    type: str
    precision: str
    kernel: str
    fused: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether the layer computes something."""
        return self.type not in STILL


def nodes(compiled: Any) -> list[Node]:
    """Return the layers of a compiled model; empty if the device does not report them."""
    try:
        graph = compiled.get_runtime_model()
    except RuntimeError:
        return []
    return [_node(operation) for operation in graph.get_ordered_ops()]


def _node(operation: Any) -> Node:
    facts = operation.get_rt_info()
    kernel = _fact(facts, "primitiveType")
    return Node(
        name=operation.get_friendly_name(),
        type=_fact(facts, "layerType") or operation.get_type_name(),
        precision=_executed(_fact(facts, "runtimePrecision"), kernel),
        kernel=kernel,
        fused=tuple(filter(None, _fact(facts, "originalLayersNames").split(","))),
    )


def _executed(stated: str, kernel: str) -> str:
    """Return the precision that a kernel computes in.

    OpenVINO also states F16 if only the weights are stored in it, and sometimes "dynamic".  The kernel's name, for
    example ``brgconv_avx512_f32``, ends in the type in which the kernel computes.
    """
    from_kernel = WORDS.get(kernel.rpartition("_")[2], "")
    reported = WORDS.get(stated, stated)
    return from_kernel if from_kernel in FLOATS and reported in {*FLOATS, UNKNOWN} else reported


def _fact(facts: Any, name: str) -> str:
    return str(facts[name].value) if name in facts else ""
