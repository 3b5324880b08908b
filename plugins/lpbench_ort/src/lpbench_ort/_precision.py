"""Determines the precision in which a session computes, if the model file and the provider prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_ort._model import Structure
from lpbench_ort._types import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lpbench_ort.config import OrtConfig

FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
QUANTISING = ("Quantize", "Integer", "QLinear", "NBits", "QGemm", "QAttention", "QMoE", "Bnb4", "QOrdered")
"""Parts of the names of operators that compute in, or convert to, quantised types."""

FAST_ARM = "mlas.enable_gemm_fastmath_arm64_bfloat16"


def precision(path: Path, config: OrtConfig, providers: Iterable[str]) -> dict[str, str]:
    """Return ``precision``, or ``precision_reason`` if it cannot be proven.

    A model file with a single floating-point type and no quantising operator
    allows only one precision; whether the session really computes in it depends
    on the provider.

    :param providers: Short names of the providers that run nodes.
    """
    try:
        stored, reason = _stored(path)
    except (OSError, ValueError) as error:
        return {"precision_reason": f"cannot read {path.name} again: {error}"}
    reason = reason or next(filter(None, (_doubt(name, stored, config) for name in providers)), "")
    return {"precision_reason": reason} if reason else {"precision": stored}


def _stored(path: Path) -> tuple[str, str]:
    """Return the file's only floating-point precision and an empty string, or an empty string and a reason."""
    if path.suffix.lower() == ".ort":
        return "", "files in ORT format do not state their types"
    structure = Structure(path)
    quantising = sorted(name for name in structure.operators if any(part in name for part in QUANTISING))
    if quantising:
        return "", f"the model is quantised ({', '.join(quantising)}): a profile shows each layer's type"
    floats = sorted(structure.types & FLOATS)
    others = sorted(name for name in structure.types if name.startswith("float8"))
    if len(floats) != 1 or others:
        held = ", ".join(floats + others) or "no floating-point tensors"
        return "", f"the model holds {held}: a profile shows each layer's type"
    return PRECISIONS[floats[0]], ""


def _doubt(provider: str, stored: str, config: OrtConfig) -> str:
    """Return why a provider may compute in another precision than the file's, or an empty string."""
    if provider == "cpu":
        return _doubt_cpu(stored, config)
    if provider == "cuda":
        return _doubt_cuda(stored, config)
    return f"{provider} does not report the precision in which it computes"


def _doubt_cpu(stored: str, config: OrtConfig) -> str:
    if stored in {"F16", "BF16"}:
        return f"the CPU computes {stored} in F32 where it has no {stored} kernel: a profile shows each layer's type"
    if str(config.session_options.get(FAST_ARM, "0")) not in {"0", "False"}:
        return f"{FAST_ARM} lets Arm CPUs compute F32 in BF16"
    return ""


def _doubt_cuda(stored: str, config: OrtConfig) -> str:
    tf32 = str(config.provider_options.get("use_tf32", "1")) not in {"0", "False"}
    if stored == "F32" and tf32:
        return "CUDA may compute F32 in TF32; provider_options use_tf32=0 forbids it"
    return ""
