"""The precision in which layers may compute: what is asked for, is done or refused; nothing else is done silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt._library import library, trt
from lpbench_trt.config import AUTO

if TYPE_CHECKING:
    from lpbench_trt._options import BuildOptions
    from lpbench_trt._parse import Draft

FLAGS = {"F16": "FP16", "BF16": "BF16", "S8": "INT8"}
"""The builder's flags that allow a precision; versions from 11 on compute as the model is typed, and have none."""
NARROW = {"HALF": "F16", "BF16": "BF16", "FP8": "F8", "FP4": "F4"}
"""TensorRT's names of the types of floats that are narrower than F32."""
ON_DLA = ("F16", "S8")
QUANTISING = ("QUANTIZE", "DEQUANTIZE")
TYPED = (
    "give a model whose tensors are typed, and precision=auto: NVIDIA's ModelOpt makes one of F16 or BF16 (python -m "
    "modelopt.onnx.autocast), and with QuantizeLinear and DequantizeLinear one of S8 (modelopt.onnx.quantization)"
)


def check(options: BuildOptions) -> None:
    """Refuse a precision that this version of TensorRT cannot be asked for.

    :raises EngineError: The remedy names what it can be asked for.
    """
    asked = options.precision
    if options.dla is not None and asked not in ON_DLA:
        raise EngineError(
            f"precision {asked} was requested; a DLA core computes in F16 or S8", hint="request one of them"
        )
    if asked == AUTO:
        if not hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
            raise EngineError(
                f"precision auto was requested; {library().called} cannot compute as a model is typed",
                hint="request F32, F16 or S8",
            )
    elif asked in FLAGS and not hasattr(trt.BuilderFlag, FLAGS[asked]):
        if _asks_for_precision():
            raise EngineError(f"precision {asked} was requested; {library().called} lacks it", hint="request F16")
        raise EngineError(
            f"precision {asked} was requested; {library().called} computes each layer as the model types its tensors",
            hint=TYPED,
        )


def allow(draft: Draft, options: BuildOptions) -> None:
    """Set the builder's flags for the requested precision.

    :raises EngineError: The model has to be computed in another one.
    """
    _refuse_other(draft, options)
    config = draft.config
    if options.precision in FLAGS:
        config.set_flag(getattr(trt.BuilderFlag, FLAGS[options.precision]))
    if options.tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)


def _refuse_other(draft: Draft, options: BuildOptions) -> None:
    asked, typed = options.precision, _typed(draft.network)
    if asked == AUTO:
        return
    quantised = sum(layer.type.name in QUANTISING for layer in draft.layers())
    if asked == "S8" and not quantised:
        raise EngineError(
            "precision S8 was requested; the model is not quantised: it has no QuantizeLinear",
            hint="quantise it to symmetric int8: lpbench_ort.qdq.quantise writes such a model",
        )
    if asked != "S8" and quantised:
        raise EngineError(
            f"precision {asked} was requested; {quantised} of the model's layers quantise or dequantise",
            hint=f"request {'auto' if typed else 'S8'}, or use the model before it was quantised",
        )
    narrow = sorted({NARROW[kind] for kind in _types(draft) if kind in NARROW}) if typed else []
    if narrow:
        raise EngineError(
            f"precision {asked} was requested; tensors of the model are {' and '.join(narrow)}, and "
            f"{library().called} computes as they are typed",
            hint="request auto, or use the model before it was converted",
        )


def _asks_for_precision() -> bool:
    """Return whether this version has flags for a precision at all."""
    return any(hasattr(trt.BuilderFlag, flag) for flag in FLAGS.values())


def _typed(network: trt.INetworkDefinition) -> bool:
    """Return whether layers compute as the model types their tensors."""
    if not _asks_for_precision():
        return True
    if not hasattr(network, "get_flag") or not hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
        return False
    return bool(network.get_flag(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))


def _types(draft: Draft) -> set[str]:
    """Return the names of the types of all tensors that layers compute."""
    return {str(layer.get_output(number).dtype.name) for layer in draft.layers() for number in range(layer.num_outputs)}
