"""Determines the precision in which a compiled model computes, from OpenVINO's facts about its layers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import ARRANGEMENT, CONVOLUTION, COPY, GEMM, category
from lpbench_openvino._nodes import FLOATS, WORDS
from lpbench_openvino.config import AUTO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_openvino._nodes import Node
    from lpbench_openvino.config import OpenvinoConfig

ENOUGH = {"F32": frozenset({"F32", "F64"}), "F16": frozenset({"F16"}), "BF16": frozenset({"BF16"})}


def facts(nodes: Sequence[Node]) -> dict[str, Any]:
    """Return ``precision`` or ``precision_reason``, and ``precisions``: the number of layers by precision."""
    counts = Counter(node.precision for node in nodes if node.runs)
    heavy = Counter(node.precision for node in _deciding(nodes))
    if len(heavy) == 1:
        verdict = {"precision": next(iter(heavy))}
    elif heavy:
        share = ", ".join(f"{count} in {name}" for name, count in heavy.most_common())
        verdict = {"precision_reason": f"the computing layers run {share}"}
    else:
        verdict = {
            "precision_reason": "the model has no computing layer" if nodes else "the device does not report its layers"
        }
    return {**verdict, "precisions": dict(counts.most_common())}


def refuse_unmet(compiled: Any, config: OpenvinoConfig, nodes: Sequence[Node]) -> None:
    """Refuse a model that was compiled in another precision than the requested one.

    :raises EngineError: The precision differs; the error names the one in force.
    """
    if config.precision == AUTO:
        return
    reported = _reported(compiled)
    if reported and reported != config.precision:
        raise EngineError(
            f"precision {config.precision} was requested; OpenVINO computes in {reported} on {config.unit}",
            hint=f"request {reported}, or auto to leave the choice to OpenVINO",
        )
    floats = {node.precision for node in _deciding(nodes)} & FLOATS
    allowed = ENOUGH[config.precision]
    met = floats <= allowed if config.precision == "F32" else floats & allowed
    if floats and not met:
        executed = ", ".join(sorted(floats - allowed))
        raise EngineError(
            f"precision {config.precision} was requested; the computing layers run in {executed} on {config.unit}",
            hint=f"request {executed}, or auto to leave the choice to OpenVINO",
        )


def _reported(compiled: Any) -> str:
    """Return the precision that the compiled model reports; empty if the device does not report it."""
    try:
        name = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    except RuntimeError:
        return ""
    return WORDS.get(name, str(name))


def _deciding(nodes: Sequence[Node]) -> list[Node]:
    """Return the layers that determine the precision: convolutions and matrix products, else all computing ones."""
    running = [(node, category(node.type)) for node in nodes if node.runs]
    heavy = [node for node, kind in running if kind in {CONVOLUTION, GEMM}]
    computing = [node for node, kind in running if kind not in {ARRANGEMENT, COPY} and node.precision in WORDS.values()]
    return heavy or computing
