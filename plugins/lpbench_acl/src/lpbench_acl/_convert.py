"""Converts ONNX to an offline model (``.om``) with CANN's ATC, which needs no NPU."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model
from lpbench_acl import _atc, _atc_source, _om
from lpbench_acl.atc_config import AtcConfig

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench_acl._atc_source import Source

F16, F32, S8 = "F16", "F32", "S8"
MODES = {F16: "force_fp16", F32: "must_keep_origin_dtype", "auto": "must_keep_origin_dtype", S8: "force_fp16"}
"""How ATC computes, by the precision that was asked for; without, it computes in F16."""
ONNX = 5
"""ATC's number of the format."""


class AtcConverter(Converter):
    """CANN's compiler of models."""

    def prepare(self) -> None:
        """Look for ATC.

        :raises ConversionError: It is not here.
        """
        _atc.find()

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model; inputs and outputs keep their names.

        :raises ConversionError: ATC refuses the model, fails or leaves no whole file; with its own messages.
        """
        config = wanted.config if isinstance(wanted.config, AtcConfig) else AtcConfig()
        program, soc = _atc.find(), config.soc or _soc_here()
        with _atc_source.workplace(wanted.scratch) as work:
            staged = _atc_source.stage(source.path, work, config, wanted.shapes)
            words = [*_words(config, soc), *staged.words, f"--precision_mode={_mode(config, wanted.precision, staged)}"]
            try:
                _atc.run(program, words, work, _atc.Subject(staged.opset, wanted.precision))
            except ConversionError as error:
                error.where = error.where or str(source.path)
                raise
            path = _collected(work, wanted.folder)
        tools = {"CANN": number} if (number := _atc.version(program)) else {}
        return Converted(Model("om", path, (), staged.inputs, staged.outputs), tools)


def bound(config: AtcConfig) -> dict[str, str]:
    """Return what of this machine a product depends on: CANN's version, and the NPU unless an option names one.

    :raises ConversionError: ATC is not here, or nothing tells the NPU.
    """
    known = {"CANN": _atc.version(_atc.find()), "NPU": "" if config.soc else _soc_here()}
    return {name: value for name, value in known.items() if value}


def _words(config: AtcConfig, soc: str) -> list[str]:
    """Return the options of ATC that do not depend on the model."""
    further = [f"--{name}={value}" for name, value in config.options.items()]
    return [
        *(f"--model={_atc_source.NAME}", f"--framework={ONNX}", "--output=model"),
        *(f"--soc_version={soc}", "--log=error", *further),
    ]


def _mode(config: AtcConfig, precision: str, source: Source) -> str:
    """Return how ATC is to compute.

    :raises ConversionError: The model does not allow the precision.
    """
    if config.precision_mode and precision != F16:
        raise ConversionError(
            f"precision_mode: found {config.precision_mode} with the precision {precision}; it changes {F16} alone",
            hint="leave one of them out",
        )
    if precision == F32 and source.narrow:
        raise ConversionError(
            f"the precision {F32}: the model has tensors of {source.narrow}, which ATC does not widen",
            hint="--precision auto keeps every tensor as the model types it; --precision F16 computes in F16",
        )
    if precision == S8 and not source.quantised:
        raise ConversionError(
            f"the precision {S8}: the model has no quantised operators, and ATC does not quantise",
            hint="quantise the ONNX model first, so that it has QuantizeLinear and DequantizeLinear, for example with "
            "onnxruntime.quantization.quantize_static",
        )
    if source.quantised and source.words:
        raise ConversionError(
            "ATC takes no gears for a model with quantised operators",
            hint="convert it for one shape, or the model before its quantisation",
        )
    return config.precision_mode or MODES[precision]


def _soc_here() -> str:
    """Return the NPU of this machine, as AscendCL names it.

    :raises ConversionError: There is none that can be asked.
    """
    try:
        from lpbench_acl._runtime import runtime

        told, reason = runtime().soc(), "AscendCL does not tell its name"
    except EngineError as error:
        told, reason = "", error.what
    if not told:
        raise ConversionError(
            f"ATC has to know for which NPU it converts, and there is none here that could be asked: {reason}",
            hint=f"name it: {_atc.soc_setting('Ascend310P3')}; {_atc.FIND_SOC}",
        )
    return told


def _collected(work: Path, folder: Path) -> Path:
    """Move the product into the folder for converted files.

    Its name keeps what ATC adds to one that is bound to an operating system: ``model_linux_aarch64.om``.

    :raises ConversionError: There is none, or it is not whole.
    """
    made = sorted(path for path in work.glob("*.om") if path.is_file() and not path.is_symlink())
    if len(made) != 1:
        what = f"ended with exit status 0, but left {len(made) or 'no'} offline model{'s' if len(made) > 1 else ''}"
        raise ConversionError(what, hint="run it again with more free memory and disk space; --debug shows its output")
    if wrong := _om.problem(made[0]):
        raise ConversionError(f"ended with exit status 0, but {made[0].name} {wrong[0]}", hint=wrong[1])
    target = folder / made[0].name
    shutil.move(made[0], target)
    return target
