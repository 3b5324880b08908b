"""What a compiled model is made of: each layer with its kernel and the precision that it runs in."""

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
"""The glossary's words for precisions; others, indices say, keep OpenVINO's."""

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
UNKNOWN = "dynamic"

STILL = frozenset({"Const", "Constant", "Input", "Output", "Parameter", "Result"})
"""Layers that stand for data and run nothing."""


@dataclass(frozen=True)
class Node:
    """One layer of a compiled model.

    :param name: Its name, given by OpenVINO where it inserted the layer.
    :param type: What it does, in OpenVINO's words.
    :param precision: What its kernel computes in.
    :param kernel: The kernel that was chosen.
    :param fused: Names of the model's own layers that became this one.
    """

    name: str
    type: str
    precision: str
    kernel: str
    fused: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether there is something to run."""
        return self.type not in STILL


def nodes(compiled: Any) -> list[Node]:
    """Return the layers of a compiled model; empty where the device does not tell."""
    try:
        graph = compiled.get_runtime_model()
    except RuntimeError:
        return []
    return [_node(each) for each in graph.get_ordered_ops()]


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

    What OpenVINO states is also F16 where weights are merely stored so, or "dynamic"; the kernel that was
    chosen, ``brgconv_avx512_f32`` say, ends in the type that it is for.
    """
    own = WORDS.get(kernel.rpartition("_")[2], "")
    word = WORDS.get(stated, stated)
    return own if own in FLOATS and word in {*FLOATS, UNKNOWN} else word


def _fact(facts: Any, name: str) -> str:
    return str(facts[name].value) if name in facts else ""
