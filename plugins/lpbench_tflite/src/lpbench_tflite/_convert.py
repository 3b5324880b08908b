"""Converts ONNX to TFLite with onnx2tf, in a separate environment because of its pinned dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model, TensorInfo
from lpbench.plugin.kit import onnx_prepare, tflite_file, tool_calls, tool_environments
from lpbench_tflite import _onnx2tf, _operators

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOOL = tool_environments.Tool(
    "onnx2tf",
    (
        "onnx2tf==2.6.9",
        # its pinned dependencies, except onnxoptimizer, onnxscript, pytest and setuptools, which it never imports
        "ai-edge-litert==2.1.2",
        "flatbuffers==25.12.19",
        "h5py==3.14.0",
        "ml-dtypes==0.5.4",
        "numpy==2.2.6",
        "onnx==1.20.1",
        "onnxruntime==1.26.0",
        "onnxsim==0.6.5",
        "opencv-python==4.13.0.92",
        "protobuf==7.35.1",
        "psutil==5.9.5; platform_machine == 'x86_64'",
        "psutil==7.0.0; platform_machine != 'x86_64'",  # 5.9.5 has no wheels for other machines
        "sne4onnx==2.0.1",
        "sng4onnx==2.0.1",
        "tqdm==4.67.1",
        # dependencies of those
        "backports.strenum==1.2.8",
        "markdown-it-py==4.3.0",
        "mdurl==0.1.2",
        "packaging==26.3",
        "pygments==2.21.0",
        "rich==15.0.0",
        "typing-extensions==4.16.0",
    ),
    pythons=((3, 13), (3, 12)),
    size=900_000_000,
)


class Onnx2tf(Converter):
    """onnx2tf with its own writer of TFLite files, without TensorFlow; reads ONNX files."""

    def prepare(self) -> None:
        """Create onnx2tf's environment unless it is in the cache.

        :raises ConversionError: A suitable Python, the network or disk space is missing.
        """
        tool_environments.environment(TOOL)

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model; the channels of four-dimensional inputs are moved last, unless they are last already.

        That is so where the app states NHWC, or states no layout and only the last dimension can be channels.

        :raises ConversionError: onnx2tf fails, or its result is unusable; unsupported operators are named.
        """
        python = tool_environments.environment(TOOL)
        target = wanted.folder / "model.tflite"
        request = _request(source, target, wanted)
        call = tool_calls.ToolCall("onnx2tf", source.path, wanted.scratch)
        answer = call.answer(python, _onnx2tf.__file__, request)
        _refuse_custom(target, answer["operators"])
        if problem := answer.get("problem"):
            raise ConversionError(
                f"onnx2tf wrote an unusable file: {problem}",
                hint="convert the model in another way, or use another engine",
            )
        layouts = {tensor.name: tensor.layout for tensor in (*source.inputs, *source.outputs)}
        inputs = tuple(_info(tensor, layouts, "NHWC") for tensor in answer["inputs"])
        outputs = tuple(_info(tensor, layouts, "NCHW") for tensor in answer["outputs"])
        return Converted(Model("tflite", target, (), inputs, outputs), answer["tools"])


def _request(source: Model, target: Path, wanted: Conversion) -> dict[str, Any]:
    return {
        "model": str(source.path),
        "onnx_source": onnx_prepare.__file__,
        "target": str(target),
        "scratch": str(wanted.scratch),
        "shapes": {name: list(shape) for name, shape in wanted.shapes.items()},
        "layouts": {tensor.name: tensor.layout for tensor in source.inputs},
    }


def _refuse_custom(path: Path, operators: Sequence[str]) -> None:
    """Refuse a file with custom operators, which onnx2tf writes for unsupported ones."""
    try:
        custom = _operators.unknown_custom(tflite_file.read(path))
    except EngineError as error:
        raise ConversionError(f"onnx2tf wrote an unusable file: {error.what}") from error
    if custom:
        known = {f"ONNX_{operator}".upper(): operator for operator in operators}
        names = ", ".join(known.get(operator, operator) for operator in custom)
        raise ConversionError(
            f"TFLite does not support these operators: {names}",
            hint="convert the model without them, or use another engine",
        )


def _info(tensor: dict[str, Any], layouts: dict[str, str], kept: str) -> TensorInfo:
    """Return a tensor with its layout, since the engine assumes NHWC for four dimensions otherwise.

    :param kept: The layout of an image whose dimensions kept their order, where the app states none.
    """
    name, source, shape = tensor["name"], tensor["source"], tuple(tensor["shape"])
    stated = layouts.get(source) or (kept if len(shape) == _onnx2tf.IMAGE else "")
    order = "NHWC" if tensor["last"] else stated
    return TensorInfo(name, tensor["dtype"], shape, order, alias="" if source == name else source)
