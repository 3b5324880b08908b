"""In which precision a session computes, as far as the model file and the provider prove it."""

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
"""Parts of the names of operators that compute in a few bits, or lead there."""

FAST_ARM = "mlas.enable_gemm_fastmath_arm64_bfloat16"


def precision(path: Path, config: OrtConfig, providers: Iterable[str]) -> dict[str, str]:
    """Return ``precision``, or ``precision_reason`` where it cannot be proven.

    A model whose file knows one floating-point type only, and no quantising
    operator, has nothing else to compute in; whether it is computed so depends on
    the provider.

    :param providers: Short names of the providers that took nodes.
    """
    try:
        found, reason = _stored(path)
    except (OSError, ValueError) as error:
        return {"precision_reason": f"cannot read {path.name} again: {error}"}
    reason = reason or next(filter(None, (_doubt(name, found, config) for name in providers)), "")
    return {"precision_reason": reason} if reason else {"precision": found}


def _stored(path: Path) -> tuple[str, str]:
    """Return the file's only floating-point precision and an empty string, or why there is none."""
    if path.suffix == ".ort":
        return "", "files in ORT format do not tell their types"
    structure = Structure(path)
    quantising = sorted(name for name in structure.operators if any(part in name for part in QUANTISING))
    if quantising:
        return "", f"the model is quantised ({', '.join(quantising)}): a profile tells each layer's type"
    floats = sorted(structure.types & FLOATS)
    others = sorted(name for name in structure.types if name.startswith("float8"))
    if len(floats) != 1 or others:
        return "", f"the model holds {', '.join(floats + others) or 'no floats'}: a profile tells each layer's type"
    return PRECISIONS[floats[0]], ""


def _doubt(provider: str, found: str, config: OrtConfig) -> str:
    """Return why a provider may compute in another precision than the file's, else an empty string."""
    if provider == "cpu":
        return _doubt_cpu(found, config)
    if provider == "cuda":
        return _doubt_cuda(found, config)
    return f"{provider} does not tell in which precision it computes"


def _doubt_cpu(found: str, config: OrtConfig) -> str:
    if found in {"F16", "BF16"}:
        return f"the CPU computes {found} in F32 where it has no {found} kernel: a profile tells each layer's type"
    if str(config.session_options.get(FAST_ARM, "0")) not in {"0", "False"}:
        return f"{FAST_ARM} lets Arm CPUs compute F32 in BF16"
    return ""


def _doubt_cuda(found: str, config: OrtConfig) -> str:
    tf32 = str(config.provider_options.get("use_tf32", "1")) not in {"0", "False"}
    if found == "F32" and tf32:
        return "CUDA may compute F32 in TF32; provider_options use_tf32=0 forbids it"
    return ""
