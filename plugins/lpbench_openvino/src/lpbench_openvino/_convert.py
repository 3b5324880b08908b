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

    Tensors = tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]
    """Inputs and outputs."""

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
            inputs, outputs = written(source, target, wanted)
        except EngineError as error:
            raise ConversionError(error.what, where=error.where or str(source.path), hint=error.hint) from error
        weights = target.with_suffix(".bin")
        if weights.is_file() and not weights.stat().st_size:  # a model without weights
            weights.unlink()
        extra = (weights,) if weights.exists() else ()
        model = Model("openvino", target, extra, inputs, outputs)
        return Converted(model, {"openvino": openvino.__version__.partition("-")[0]})


def written(source: Model, target: Path, wanted: Conversion) -> Tensors:
    """Write the files; return inputs and outputs under their names in the files."""
    import openvino

    from lpbench_openvino import _model, _ports
    from lpbench_openvino._text import plain_words

    core = openvino.Core()
    network, stated = _model.read(core, source)
    _ports.fix(network, wanted.shapes, stated)
    before = tuple(_ports.inputs(network, stated)), tuple(_ports.outputs(network, stated))
    try:
        openvino.save_model(network, str(target), compress_to_fp16=wanted.precision == "F16")
    except RuntimeError as error:
        raise ConversionError(
            f"OpenVINO {openvino.__version__} cannot write the model: {plain_words(error)}"
        ) from error
    return read_again(target, before)


def read_again(file: Path, before: Tensors) -> Tensors:
    """Return inputs and outputs of a file that was written, with the source's names as aliases and its layouts.

    :param before: Those of the source, in the same order.
    """
    import openvino

    from lpbench_openvino import _ports

    network: Any = openvino.Core().read_model(str(file))
    after = _ports.inputs(network, {}), _ports.outputs(network, {})
    inputs, outputs = (tuple(map(_named, new, old)) for new, old in zip(after, before, strict=True))
    return inputs, outputs


def _named(new: TensorInfo, old: TensorInfo) -> TensorInfo:
    """Return a tensor of the file with the source's name as its alias; the order of tensors is kept."""
    return dataclasses.replace(new, alias="" if new.name == old.called else old.called, layout=old.layout)
