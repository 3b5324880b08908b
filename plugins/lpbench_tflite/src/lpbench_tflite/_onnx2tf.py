"""Converts one model with onnx2tf: ``python _onnx2tf.py REQUEST ANSWER``, both JSON.

Runs in onnx2tf's own environment, so it imports nothing from lpbench except one file
by its path.  If it fails, the last line of its output gives the reason.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE = 4
"""Number of dimensions of tensors whose channels onnx2tf may move last; others keep their order."""
CHANNELS = (1, 3, 4)
"""Numbers of channels that images have."""
LIKE = 1e-2
"""Largest relative difference at which outputs are matched; later checks judge the accuracy."""
TOOLS = ("onnx2tf", "onnx", "onnxsim", "ai-edge-litert")


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert; return inputs, outputs (each with the source's name and whether channels became last) and versions."""
    import onnx2tf  # type: ignore[import-not-found] # installed only in its own environment

    source, scratch = _module(request["onnx_source"]), Path(request["scratch"])
    model = scratch / "model.onnx"
    shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
    prepared = source.prepare(Path(request["model"]), model, shapes)
    _rewrite(model)
    layouts = request["layouts"]
    kept = [tensor.name for tensor in prepared.inputs if stays(tensor.shape, layouts.get(tensor.name, ""))]
    reference = scratch / "reference.onnx"
    reference.write_bytes(model.read_bytes())  # a copy, since onnx2tf rewrites its input file
    onnx2tf.convert(
        input_onnx_file_path=str(model),
        output_folder_path=str(scratch / "out"),
        tflite_backend="flatbuffer_direct",
        keep_shape_absolutely_input_names=kept or None,
        not_use_onnxsim=True,  # done above; onnx2tf would search the path for a program
        non_verbose=True,
    )
    (scratch / "out" / "model_float32.tflite").replace(request["target"])
    tools = {name: importlib.metadata.version(name) for name in TOOLS}
    answer = {"operators": prepared.operators, "tools": tools}
    return {**answer, **_matched(reference, request["target"], prepared, kept)}


def _module(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("onnx_source", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # needed by dataclasses
    spec.loader.exec_module(module)
    return module


def _rewrite(path: Path) -> None:
    """Fold constants, and keep the dimension order of outputs that are not images."""
    import onnx

    model = _simplified(onnx.load(str(path)))
    for output in model.graph.output:
        if len(output.type.tensor_type.shape.dim) != IMAGE:
            _hold(model.graph, output.name)
    onnx.save(model, str(path))


def _simplified(model: Any) -> Any:
    """Return a model with constants folded, since onnx2tf lacks operators that shapes are computed with."""
    import onnxsim  # type: ignore[import-not-found] # installed only in onnx2tf's environment

    try:
        return onnxsim.simplify(model)[0]
    except Exception as error:  # noqa: BLE001 - whatever it raises, the original model can be used
        sys.stderr.write(f"not simplified: {error}\n")
        return model


def _hold(graph: Any, name: str) -> None:
    """Insert an Identity before an output, since onnx2tf drops a transposition there."""
    import onnx

    inner = f"{name}/held"
    for node in graph.node:
        for names in (node.input, node.output):
            for index, other in enumerate(names):
                if other == name:
                    names[index] = inner
    graph.node.append(onnx.helper.make_node("Identity", [inner], [name], f"{name}/hold"))


def _matched(reference: Path, target: str, prepared: Any, kept: list[str]) -> dict[str, Any]:
    """Match the file's inputs and outputs to the source's, by running both on the same inputs.

    onnx2tf changes characters in names, and moves the channels of some outputs last but not of others.
    """
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped] # the library is untyped

    interpreter = Interpreter(model_path=target)
    details = interpreter.get_input_details(), interpreter.get_output_details()
    answer = {
        "inputs": [
            {**_described(detail), "source": tensor.name, "last": tensor.name not in kept}
            for detail, tensor in zip(details[0], prepared.inputs, strict=True)
        ],
        "outputs": [],
        "given": [_described(tensor) for tensor in details[1]],
        "wanted": [{"name": tensor.name, "shape": tensor.shape} for tensor in prepared.outputs],
    }
    try:
        reference_run = _run_reference(reference, prepared)
        outputs = _run(interpreter, reference_run["feeds"], answer["inputs"])
    except Exception as error:  # noqa: BLE001 - a missing operator or a broken file; the caller reports it
        return {**answer, "problem": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    return {**answer, **_outputs(reference_run["outputs"], outputs, answer["given"])}


def _described(detail: Any) -> dict[str, Any]:
    dtype = np.dtype(detail["dtype"]).name
    return {"name": str(detail["name"]), "dtype": dtype, "shape": [int(size) for size in detail["shape"]]}


def _run_reference(path: Path, prepared: Any) -> dict[str, Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(5)
    feeds = {
        tensor.name: (random.random(tensor.shape) if "float" in tensor.dtype else np.zeros(tensor.shape)).astype(
            tensor.dtype
        )
        for tensor in prepared.inputs
    }
    names = [tensor.name for tensor in prepared.outputs]
    return {"feeds": feeds, "outputs": dict(zip(names, session.run(names, feeds), strict=True))}


def _run(interpreter: Any, feeds: dict[str, Any], inputs: list[dict[str, Any]]) -> list[Any]:
    interpreter.allocate_tensors()
    for tensor, detail in zip(inputs, interpreter.get_input_details(), strict=True):
        array = feeds[tensor["source"]].astype(detail["dtype"])  # a source in F16 becomes a file in F32
        interpreter.set_tensor(detail["index"], channels_last(array) if tensor["last"] else array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def stays(shape: Sequence[int], layout: str) -> bool:
    """Return whether an input keeps the order of its dimensions: it is no image, or its channels are last already.

    :param layout: As the app states it; empty where it states none, and sizes tell.
    """
    return len(shape) != IMAGE or layout == "NHWC" or (not layout and is_last(shape))


def is_last(shape: Sequence[int]) -> bool:
    """Return whether only the last dimension after the batch can be an image's channels, as TensorFlow has them."""
    return len(shape) == IMAGE and [size in CHANNELS for size in shape[1:]] == [False, False, True]


def channels_last(array: Any) -> Any:
    """Return an image with its second dimension moved last; other arrays unchanged."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == IMAGE else array


def _outputs(expected: dict[str, Any], got: list[Any], described: list[dict[str, Any]]) -> dict[str, Any]:
    """Match each of the source's outputs with one of the file's, trying the same position first."""
    free, pairs = list(range(len(got))), []
    for at, (name, array) in enumerate(expected.items()):
        order = [*(place for place in free if place == at), *(place for place in free if place != at)]
        tries = [(place, last) for place in order for last in (False, True)]
        fitting = [
            (place, last) for place, last in tries if _alike(channels_last(array) if last else array, got[place])
        ]
        # if the values differ, match by position and shape; a later check judges the accuracy
        fitting = fitting or [
            (place, last) for place, last in tries if place == at and _shaped(array, got[at], last=last)
        ]
        if not fitting:
            return {"problem": f'output "{name}" is not among the outputs of the file', "outputs": []}
        place, last = fitting[0]
        free.remove(place)
        pairs.append({**described[place], "source": name, "last": last and array.ndim == IMAGE})
    return {"outputs": pairs}


def _shaped(array: Any, other: Any, *, last: bool) -> bool:
    return bool((channels_last(array) if last else array).shape == other.shape)


def _alike(array: Any, other: Any) -> bool:
    if array.shape != other.shape:
        return False
    first, second = (np.nan_to_num(np.asarray(values, np.float64)) for values in (array, other))
    scale = float(np.abs(first).max(initial=0.0))
    return bool(np.abs(first - second).max(initial=0.0) <= LIKE * scale)


if __name__ == "__main__":
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # otherwise ONNX Runtime writes to the home folder
    request_path, answer_path = map(Path, sys.argv[1:3])
    try:
        answer_path.write_text(json.dumps(main(json.loads(request_path.read_text("utf-8")))), "utf-8")
    except BaseException as error:  # noqa: BLE001 - onnx2tf may call sys.exit; the parent reads the last line
        import traceback

        traceback.print_exc()
        words = " ".join(str(getattr(error, "what", error)).split())
        hint = getattr(error, "hint", "")
        answer_path.write_text(json.dumps({"error": words or type(error).__name__, "hint": hint}), "utf-8")
        sys.exit(1)
