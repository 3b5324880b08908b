"""ONNX to TFLite by onnx2tf, which lives in an environment of its own: it pins what would disturb ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model, TensorInfo
from lpbench.plugin.kit import onnx_prepare, tool_environments
from lpbench.util import processes
from lpbench_tflite import _model, _onnx2tf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOOL = tool_environments.Tool(
    "onnx2tf",
    (
        "onnx2tf==2.6.9",
        # what it pins, without onnxoptimizer, onnxscript, pytest and setuptools: it never imports those
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
        "psutil==7.0.0; platform_machine != 'x86_64'",  # the first one has no wheel for others
        "sne4onnx==2.0.1",
        "sng4onnx==2.0.1",
        "tqdm==4.67.1",
        # what those need
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
TIMEOUT = 1800.0


class Onnx2tf(Converter):
    """onnx2tf with its own writer of TFLite files, without TensorFlow; takes ONNX files."""

    def prepare(self) -> None:
        """Make onnx2tf's environment unless it is in the cache.

        :raises ConversionError: No Python that it runs on, no network, no space.
        """
        tool_environments.environment(TOOL)

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model; channels of inputs with four dimensions become last, unless the app states NHWC.

        :raises ConversionError: Naming operators that TFLite does not have.
        """
        python = tool_environments.environment(TOOL)
        target = wanted.folder / "model.tflite"
        answer = _ask(python, _request(source, target, wanted), wanted.scratch, source.path)
        _refuse_custom(target, answer["operators"])
        if problem := answer.get("problem"):
            raise ConversionError(
                f"onnx2tf wrote a file that cannot be used: {problem}",
                hint="convert the model in another way, or use another engine",
            )
        layouts = {each.name: each.layout for each in (*source.inputs, *source.outputs)}
        inputs, outputs = (_infos(answer[side], layouts) for side in ("inputs", "outputs"))
        return Converted(Model("tflite", target, (), inputs, outputs), answer["tools"])


def _request(source: Model, target: Path, wanted: Conversion) -> dict[str, Any]:
    return {
        "model": str(source.path),
        "onnx_source": onnx_prepare.__file__,
        "target": str(target),
        "scratch": str(wanted.scratch),
        "shapes": {name: list(shape) for name, shape in wanted.shapes.items()},
        "channels_last": [each.name for each in source.inputs if each.layout == "NHWC"],
    }


def _ask(python: Path, request: dict[str, Any], scratch: Path, model: Path) -> dict[str, Any]:
    """Run onnx2tf in its environment and return what it says of the file it wrote."""
    asked, told, log = scratch / "request.json", scratch / "answer.json", scratch / "onnx2tf.log"
    asked.write_text(json.dumps(request), "utf-8")
    command = [str(python), _onnx2tf.__file__, str(asked), str(told)]
    try:
        status = processes.run(
            command,
            log=log,
            timeout=TIMEOUT,
            tick=lambda _: None,
            environment=tool_environments.ALONE,
            folder=scratch,
            own_group=False,
        )
    except TimeoutError as error:
        raise ConversionError(f"onnx2tf {error}", where=str(model)) from error
    if status < 0 or not told.is_file():
        raise ConversionError(
            f"onnx2tf {processes.ending(status)}; its last words: {processes.last_line(log)[:300] or 'none'}",
            where=str(model),
        )
    answer: dict[str, Any] = json.loads(told.read_text("utf-8"))
    if "error" in answer:
        # the tool's own traceback, for --debug
        words = RuntimeError(log.read_text("utf-8", "replace"))
        raise ConversionError(answer["error"], where=str(model), hint=answer["hint"]) from words
    return answer


def _refuse_custom(path: Path, operators: Sequence[str]) -> None:
    """Refuse a file with operators that onnx2tf only gave a name."""
    try:
        custom = _model.read(path).custom
    except EngineError as error:
        raise ConversionError(f"onnx2tf wrote a file that cannot be used: {error.what}") from error
    if custom:
        known = {f"ONNX_{each}".upper(): each for each in operators}
        raise ConversionError(
            f"TFLite has no operator {', '.join(known.get(each, each) for each in custom)}",
            hint="convert the model without them, or use another engine",
        )


def _infos(found: Sequence[dict[str, Any]], layouts: dict[str, str]) -> tuple[TensorInfo, ...]:
    return tuple(_info(each, layouts.get(each["source"], "")) for each in found)


def _info(each: dict[str, Any], layout: str) -> TensorInfo:
    """Return a tensor with its layout: the engine takes four dimensions for NHWC where nothing is stated."""
    name, source, shape = each["name"], each["source"], tuple(each["shape"])
    kept = layout or ("NCHW" if len(shape) == _onnx2tf.IMAGE else "")
    order = "NHWC" if each["last"] else kept
    return TensorInfo(name, each["dtype"], shape, order, alias="" if source == name else source)
