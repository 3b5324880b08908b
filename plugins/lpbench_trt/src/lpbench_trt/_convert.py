"""Converts ONNX to a plan for the GPU of this machine, and says what the plan depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model
from lpbench_trt.config import PlanConfig

if TYPE_CHECKING:
    from lpbench_trt.config import Precision


class TensorrtConverter(Converter):
    """TensorRT's builder as a converter of ONNX files."""

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Build a plan.

        :raises ConversionError: TensorRT cannot read the model, or not build it as requested.
        """
        try:
            return _converted(source, wanted)
        except EngineError as error:
            raise ConversionError(error.what, where=error.where or str(source.path), hint=error.hint) from error


def bound(config: PlanConfig) -> dict[str, str]:
    """Return what of this machine a plan depends on; the GPU only where there is one: TensorRT-RTX builds without."""
    from lpbench_trt import _devices
    from lpbench_trt._library import library

    device, here = _devices.here(config.gpu), library()
    gpu = {"GPU": device.name, "compute capability": device.capability} if device else {}
    return {here.name: here.version, **gpu}


def _converted(source: Model, wanted: Conversion) -> Converted:
    from lpbench_trt import _custom, _devices, _options, _plans
    from lpbench_trt._build import build
    from lpbench_trt._library import library

    config = wanted.config if isinstance(wanted.config, PlanConfig) else PlanConfig()
    device = _devices.here(config.gpu)
    _custom.load(config.plugins)
    options = _options.of(config, cast("Precision", wanted.precision))
    built = build(source, options, wanted.shapes, _plans.timings_key(device) if config.timing_cache else "")
    target = wanted.folder / "model.plan"
    target.write_bytes(built.content)
    here = library()
    return Converted(Model("plan", target, (), built.inputs, built.outputs), {here.name: here.version})
