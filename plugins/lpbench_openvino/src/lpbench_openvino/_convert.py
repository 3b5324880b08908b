"""Converts ONNX to OpenVINO's own format with OpenVINO."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.engine import TensorInfo

TELEMETRY = {"CI": "true"}
"""As in the engine's spec: importing openvino collects and reports usage data, except in CI jobs."""


class OpenvinoConverter(Converter):
    """OpenVINO as a converter of ONNX files.  Open dimensions stay open unless a shape is given."""

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model.

        :raises ConversionError: OpenVINO cannot read or write it; missing operators are named.
        """
        os.environ.update(TELEMETRY)
        import openvino

        target = wanted.folder / "model.xml"
        try:
            inputs, outputs = _converted(source, target, wanted)
        except EngineError as error:
            raise ConversionError(error.what, where=error.where or str(source.path), hint=error.hint) from error
        weights = target.with_suffix(".bin")
        if weights.is_file() and not weights.stat().st_size:  # a model without weights
            weights.unlink()
        extra = (weights,) if weights.exists() else ()
        model = Model("openvino", target, extra, inputs, outputs)
        return Converted(model, {"openvino": openvino.__version__.partition("-")[0]})


def _converted(source: Model, target: Path, wanted: Conversion) -> tuple[tuple[TensorInfo, ...], ...]:
    """Write the files; return inputs and outputs under their names in the files."""
    import openvino

    from lpbench_openvino import _model, _ports
    from lpbench_openvino._text import plain_words

    core = openvino.Core()
    network, stated = _model.read(core, source)
    _ports.fix(network, wanted.shapes, stated)
    before = _ports.inputs(network, stated), _ports.outputs(network, stated)
    try:
        openvino.save_model(network, str(target), compress_to_fp16=wanted.precision == "F16")
    except RuntimeError as error:
        raise ConversionError(
            f"OpenVINO {openvino.__version__} cannot write the model: {plain_words(error)}"
        ) from error
    written: Any = core.read_model(str(target))
    after = _ports.inputs(written, {}), _ports.outputs(written, {})
    return tuple(tuple(map(_named, new, old)) for new, old in zip(after, before, strict=True))


def _named(new: TensorInfo, old: TensorInfo) -> TensorInfo:
    """Return a tensor of the file with the source's name as its alias; the order of tensors is kept."""
    return dataclasses.replace(new, alias="" if new.name == old.name else old.name, layout=old.layout)
