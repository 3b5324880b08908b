"""Stores a model as TFLite in S8 or F16, with ai-edge-quantizer in an environment of its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, Converted, Converter
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.plugin.kit import tool_calls, tool_environments
from lpbench_tflite import _aeq, _onnx2tf
from lpbench_tflite._convert import Onnx2tf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Feeds

VERSION = "0.10.0"
TOOL = tool_environments.Tool(
    "ai-edge-quantizer",
    (
        f"ai-edge-quantizer=={VERSION}",
        # its dependencies, except litert-lm-builder, which it imports for language models
        "absl-py==2.5.1",
        "ai-edge-litert==2.3.0",
        "immutabledict==4.3.1",
        "ml-dtypes==0.5.4",
        "numpy==2.2.6",
        "scipy==1.15.3",
        # dependencies of those
        "backports.strenum==1.2.8",
        "flatbuffers==25.12.19",
        "protobuf==7.36.2",
        "tqdm==4.70.1",
        "typing-extensions==4.16.0",
    ),
    pythons=((3, 13), (3, 12), (3, 11), (3, 10)),
    size=500_000_000,
)


class TfliteNarrowing(Converter):
    """ai-edge-quantizer as a converter of TFLite files; inputs and outputs keep their types."""

    def prepare(self) -> None:
        """Create the environment unless it is in the cache.

        :raises ConversionError: A suitable Python, the network or disk space is missing.
        """
        tool_environments.environment(TOOL)

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Store a model in another precision.

        :raises ConversionError: ai-edge-quantizer refuses it, or there are no samples to calibrate with.
        """
        return _narrowed(Converted(source), wanted, wanted.calibration)


class OnnxToTfliteNarrowing(TfliteNarrowing):
    """onnx2tf and then ai-edge-quantizer, as a converter of ONNX files."""

    def prepare(self) -> None:
        """Create both environments unless they are in the cache.

        :raises ConversionError: A suitable Python, the network or disk space is missing.
        """
        super().prepare()
        Onnx2tf().prepare()

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model and store it in another precision.

        :raises ConversionError: onnx2tf or ai-edge-quantizer refuses it, or there are no samples to calibrate with.
        """
        whole, scratch = wanted.scratch / "whole", wanted.scratch / "onnx2tf"
        whole.mkdir()
        scratch.mkdir()
        first = dataclasses.replace(wanted, folder=whole, scratch=scratch, precision="F32", calibration=())
        converted = Onnx2tf().convert(source, first)
        layouts = {tensor.name: tensor.layout for tensor in source.inputs}
        feeds = (_of_file(sample, converted.model.inputs, layouts) for sample in wanted.calibration)
        return _narrowed(converted, wanted, feeds)


def _of_file(sample: Feeds, inputs: Sequence[TensorInfo], layouts: Mapping[str, str]) -> dict[str, Any]:
    """Return a sample under the names of the file's inputs, with channels last where the file has them there.

    :param layouts: Of the source's inputs, as the app states them.
    """
    return {info.name: _moved(sample[info.called], layouts.get(info.called, "")) for info in inputs}


def _moved(values: Any, layout: str) -> Any:
    return values if _onnx2tf.stays(values.shape, layout) else _onnx2tf.channels_last(values)


def _narrowed(source: Converted, wanted: Conversion, samples: Any) -> Converted:
    """Store a TFLite model; the order of inputs and outputs stays."""
    python = tool_environments.environment(TOOL)
    target = wanted.folder / "model.tflite"
    files = tool_calls.written(samples, wanted.scratch / "samples") if wanted.precision == "S8" else []
    request = {
        "model": str(source.model.path),
        "scratch": str(wanted.scratch),
        "target": str(target),
        "precision": wanted.precision,
        "samples": files,
    }
    call = tool_calls.ToolCall("ai-edge-quantizer", source.model.path, wanted.scratch)
    answer = call.answer(python, _aeq.__file__, request)
    inputs, outputs = (
        tuple(_info(made, number, stated) for number, made in enumerate(answer[side]))
        for side, stated in (("inputs", source.model.inputs), ("outputs", source.model.outputs))
    )
    return Converted(Model("tflite", target, (), inputs, outputs), {**source.tools, **answer["tools"]})


def _info(made: Mapping[str, Any], number: int, stated: Sequence[TensorInfo]) -> TensorInfo:
    """Return a tensor of the file, with the source's name and layout where something states them.

    :param stated: The source's tensors in the same order if all of them are stated; else some, by their names.
    """
    name, source, shape = made["name"], made["source"], tuple(made["shape"])
    by_name = {info.name: info for info in stated}
    old = by_name.get(source) or (stated[number] if number < len(stated) else TensorInfo(source, "", ()))
    alias = "" if old.called == name else old.called
    return TensorInfo(name, made["dtype"], shape, old.layout, alias=alias)
