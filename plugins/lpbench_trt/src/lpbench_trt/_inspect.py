"""What TensorRT's engine inspector tells of an engine's layers: types, kernels and precisions.

Plans are built with different amounts of detail: of some, the inspector knows only names, of others not even these.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import ARRANGEMENT, CONVOLUTION, COPY, GEMM, category
from lpbench.plugin.kit.untrusted import shorten
from lpbench_trt._library import trt
from lpbench_trt.config import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 500
"""Characters of a type or a kernel's name that are kept."""
WORDS = {
    "fp32": "F32",
    "float": "F32",
    "float32": "F32",
    "fp16": "F16",
    "half": "F16",
    "float16": "F16",
    "bf16": "BF16",
    "bfloat16": "BF16",
    "fp8": "F8",
    "fp4": "F4",
    "int8": "S8",
    "int4": "S4",
}
"""lpbench's names of precisions by TensorRT's words, which stand among others: ``Row major linear FP16 format``."""
WORD = re.compile(r"(?<![a-z0-9])(" + "|".join(sorted(WORDS, key=len, reverse=True)) + r")(?![a-z0-9])", re.IGNORECASE)
TYPE_KEYS = ("Format/Datatype", "Datatype", "DataType", "Data Type", "Type")
"""Keys of a tensor's type in different versions."""
TF32 = "TF32"
STILL = frozenset({"Constant", "NoOp", "ShapeHostToDevice", "ShapeDeviceToHost", "Signal", "Wait", "Reformat"})
"""Layers that compute nothing."""
WIDEST = ("F32", "F16", "BF16", "F8", "S8", "F4", "S4")
"""Precisions from the widest to the narrowest."""


@dataclass(frozen=True)
class Layer:
    """One layer of an engine.

    :param type: TensorRT's name of its type; empty if the plan does not tell.
    :param precision: In which its kernel computes; empty if the plan does not tell.
    :param kernel: Name of the kernel (tactic); may be empty.
    """

    name: str
    type: str = ""
    precision: str = ""
    kernel: str = ""


def layers(engine: trt.ICudaEngine) -> list[Layer]:
    """Return an engine's layers; empty if the inspector does not answer, or answers something else."""
    inspector = engine.create_engine_inspector()
    if inspector is None:
        return []
    try:
        told = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    except (RuntimeError, TypeError, ValueError):  # RecursionError is a RuntimeError
        return []
    listed = told.get("Layers") if isinstance(told, Mapping) else None
    return [_layer(layer) for layer in listed] if isinstance(listed, list) else []


def require(engine: trt.ICudaEngine, asked: str) -> None:
    """Refuse a plan that was built without a precision which is asked for, as far as the plan tells.

    :param asked: lpbench's name of it; F32, which any plan may use, and ``auto`` ask for nothing.
    :raises EngineError: No layer computes in it.
    """
    if asked in {"F32", AUTO}:
        return
    known = precision_facts(layers(engine)).get("precisions")
    if known and asked not in known:
        raise EngineError(
            f"precision {asked} was requested; the layers of the plan compute in {' and '.join(known)}",
            hint=f"build it anew: lpbench convert MODEL.onnx --to plan --precision {asked}",
        )


def precision_facts(found: Sequence[Layer]) -> dict[str, Any]:
    """Return ``precision`` or ``precision_reason``, and ``precisions``: the number of layers by precision."""
    known = [layer for layer in found if layer.precision and layer.type not in STILL]
    if not known:
        told = any(layer.type for layer in found)
        reason = (
            "no layer states the data type in which it computes"
            if told
            else "the plan was built without details on its layers"
        )
        return {"precision_reason": reason}
    heavy = Counter(layer.precision for layer in _deciding(known))
    counts = Counter(layer.precision for layer in known)
    share = ", ".join(f"{count} in {name}" for name, count in heavy.most_common())
    single = {"precision": next(iter(heavy), None)} if len(heavy) == 1 else {}
    reason = f"the computing layers run {share}" if heavy else "the model has no computing layer"
    return {**(single or {"precision_reason": reason}), "precisions": dict(counts.most_common())}


def _deciding(known: Iterable[Layer]) -> list[Layer]:
    """Return the layers that determine the precision: convolutions and matrix products, else all computing ones."""
    kinds = [(layer, category(layer.type)) for layer in known]
    heavy = [layer for layer, kind in kinds if kind in {CONVOLUTION, GEMM}]
    return heavy or [layer for layer, kind in kinds if kind not in {ARRANGEMENT, COPY}]


def _layer(stated: object) -> Layer:
    """Return a layer from a record, or from a name alone, as plans with less detail have it."""
    if not isinstance(stated, Mapping):
        return Layer(str(stated))
    kernel = shorten(str(stated.get("TacticName") or ""), LONGEST)
    kind = shorten(str(stated.get("LayerType") or ""), LONGEST)
    return Layer(str(stated.get("Name") or ""), kind, _precision(stated, kernel), kernel)


def _precision(stated: Mapping[str, Any], kernel: str) -> str:
    """Return the precision that a layer computes in: the wider of its first input's and its weights'.

    Outputs do not tell, as a layer may widen what it has computed, nor do further inputs, which may be added to it.
    Weights are narrower than the arithmetic where they alone are quantised.  A kernel of F32 that multiplies in
    TensorFloat-32 says so in its name.
    """
    records = [*_records(stated.get("Inputs"))[:1], *_records(stated.get("Weights"))[:1]]
    types = {name for record in records if (name := _type(record))}
    found = next((name for name in WIDEST if name in types), "")
    return TF32 if found == "F32" and TF32.lower() in kernel.lower() else found


def _records(value: object) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [record for record in values if isinstance(record, Mapping)]


def _type(record: Mapping[str, Any]) -> str:
    texts = (str(record[key]) for key in TYPE_KEYS if key in record)
    matches = (WORD.search(text) for text in texts)
    return next((WORDS[match[1].lower()] for match in matches if match), "")
