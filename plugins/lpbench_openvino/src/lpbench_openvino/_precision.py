"""In which precision a compiled model computes, by what OpenVINO tells of each of its layers."""

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


def facts(found: Sequence[Node]) -> dict[str, Any]:
    """Return ``precision`` or ``precision_reason``, and ``precisions``: the number of layers by precision."""
    counts = Counter(node.precision for node in found if node.runs)
    heavy = Counter(node.precision for node in _deciding(found))
    if len(heavy) == 1:
        told = {"precision": next(iter(heavy))}
    elif heavy:
        share = ", ".join(f"{count} in {name}" for name, count in heavy.most_common())
        told = {"precision_reason": f"the layers that compute run {share}"}
    else:
        told = {"precision_reason": "no layer computes" if found else "the device does not tell its layers"}
    return {**told, "precisions": dict(counts.most_common())}


def refuse_unmet(compiled: Any, config: OpenvinoConfig, found: Sequence[Node]) -> None:
    """Refuse a model that was compiled in another precision than the one asked for.

    :raises EngineError: Naming the precision in force.
    """
    if config.precision == AUTO:
        return
    answer = _answer(compiled)
    if answer and answer != config.precision:
        raise EngineError(
            f"precision {config.precision} was asked for; OpenVINO computes in {answer} on {config.unit}",
            hint=f"ask for {answer}, or for auto to leave it to OpenVINO",
        )
    floats = {node.precision for node in _deciding(found)} & FLOATS
    allowed = ENOUGH[config.precision]
    met = floats <= allowed if config.precision == "F32" else floats & allowed
    if floats and not met:
        ran = ", ".join(sorted(floats - allowed))
        raise EngineError(
            f"precision {config.precision} was asked for; the layers that compute run in {ran} on {config.unit}",
            hint=f"ask for {ran}, or for auto to leave it to OpenVINO",
        )


def _answer(compiled: Any) -> str:
    """Return the precision that the compiled model says it has, empty where the device does not tell."""
    try:
        name = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    except RuntimeError:
        return ""
    return WORDS.get(name, str(name))


def _deciding(found: Sequence[Node]) -> list[Node]:
    """Return the layers whose precision is the model's: convolutions and matrix products, else all that compute."""
    running = [(node, category(node.type)) for node in found if node.runs]
    heavy = [node for node, kind in running if kind in {CONVOLUTION, GEMM}]
    computing = [node for node, kind in running if kind not in {ARRANGEMENT, COPY} and node.precision in WORDS.values()]
    return heavy or computing
