"""Converts one model with onnx2tf: ``python _onnx2tf.py REQUEST ANSWER``, both JSON.

Runs in onnx2tf's own environment, so it imports nothing of lpbench but one file by
its path.  The last line of its words says what went wrong.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

IMAGE = 4
"""Dimensions of inputs and outputs whose channels onnx2tf may put last, as is the custom; others keep their order."""
LIKE = 1e-2
"""Largest difference, relative to the largest value, of outputs taken for the same; others say how good they are."""
TOOLS = ("onnx2tf", "onnx", "onnxsim", "ai-edge-litert")


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert; return inputs, outputs (each with the source's name and whether channels became last) and versions."""
    import onnx2tf  # type: ignore[import-not-found] # there is one in its own environment only

    source, scratch = _module(request["onnx_source"]), Path(request["scratch"])
    model = scratch / "model.onnx"
    shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
    found = source.prepare(Path(request["model"]), model, shapes)
    _rewrite(model)
    kept = [each.name for each in found.inputs if len(each.shape) != IMAGE or each.name in request["channels_last"]]
    reference = scratch / "reference.onnx"
    reference.write_bytes(model.read_bytes())  # onnx2tf rewrites the file that it is given
    onnx2tf.convert(
        input_onnx_file_path=str(model),
        output_folder_path=str(scratch / "out"),
        tflite_backend="flatbuffer_direct",
        keep_shape_absolutely_input_names=kept or None,
        not_use_onnxsim=True,  # done above; onnx2tf would look for a program on the path
        non_verbose=True,
    )
    (scratch / "out" / "model_float32.tflite").replace(request["target"])
    tools = {name: importlib.metadata.version(name) for name in TOOLS}
    answer = {"operators": found.operators, "tools": tools}
    return {**answer, **_matched(reference, request["target"], found, kept)}


def _module(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("onnx_source", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def _rewrite(path: Path) -> None:
    """Fold what is constant, and keep the order of outputs that are no images."""
    import onnx

    model = _simplified(onnx.load(str(path)))
    for each in model.graph.output:
        if len(each.type.tensor_type.shape.dim) != IMAGE:
            _hold(model.graph, each.name)
    onnx.save(model, str(path))


def _simplified(model: Any) -> Any:
    """Return a model with constants folded: onnx2tf knows fewer operators than shapes are computed with."""
    import onnxsim  # type: ignore[import-not-found] # likewise

    try:
        return onnxsim.simplify(model)[0]
    except Exception as error:  # noqa: BLE001 - whatever it raises, the model itself is still there
        sys.stderr.write(f"not simplified: {error}\n")
        return model


def _hold(graph: Any, name: str) -> None:
    """Put an operator that does nothing before an output: onnx2tf drops a transposition that stands there."""
    import onnx

    inner = f"{name}/held"
    for node in graph.node:
        for names in (node.input, node.output):
            for at, each in enumerate(names):
                if each == name:
                    names[at] = inner
    graph.node.append(onnx.helper.make_node("Identity", [inner], [name], f"{name}/hold"))


def _matched(reference: Path, target: str, found: Any, kept: list[str]) -> dict[str, Any]:
    """Return what the file's inputs and outputs are in the source, by running both on the same numbers.

    onnx2tf changes letters of names, and puts the channels of some outputs last and of others not.
    """
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped] # it has no types

    interpreter = Interpreter(model_path=target)
    details = interpreter.get_input_details(), interpreter.get_output_details()
    answer = {
        "inputs": [
            {**_described(detail), "source": each.name, "last": each.name not in kept}
            for detail, each in zip(details[0], found.inputs, strict=True)
        ],
        "outputs": [],
        "given": [_described(each) for each in details[1]],
        "wanted": [{"name": each.name, "shape": each.shape} for each in found.outputs],
    }
    try:
        given = _run_reference(reference, found)
        got = _run(interpreter, given["feeds"], answer["inputs"])
    except Exception as error:  # noqa: BLE001 - operators that LiteRT lacks, or a broken file: the caller tells
        return {**answer, "problem": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    return {**answer, **_outputs(given["outputs"], got, answer["given"])}


def _described(detail: Any) -> dict[str, Any]:
    dtype = np.dtype(detail["dtype"]).name
    return {"name": str(detail["name"]), "dtype": dtype, "shape": [int(size) for size in detail["shape"]]}


def _run_reference(path: Path, found: Any) -> dict[str, Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(5)
    feeds = {
        each.name: (random.random(each.shape) if "float" in each.dtype else np.zeros(each.shape)).astype(each.dtype)
        for each in found.inputs
    }
    names = [each.name for each in found.outputs]
    return {"feeds": feeds, "outputs": dict(zip(names, session.run(names, feeds), strict=True))}


def _run(interpreter: Any, feeds: dict[str, Any], inputs: list[dict[str, Any]]) -> list[Any]:
    interpreter.allocate_tensors()
    for each, detail in zip(inputs, interpreter.get_input_details(), strict=True):
        array = feeds[each["source"]]
        interpreter.set_tensor(detail["index"], _last(array) if each["last"] else array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _last(array: Any) -> Any:
    """Return an image with its second dimension last."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == IMAGE else array


def _outputs(wanted: dict[str, Any], got: list[Any], described: list[dict[str, Any]]) -> dict[str, Any]:
    """Pair each of the source's outputs with one of the file's, its own place first."""
    free, pairs = list(range(len(got))), []
    for at, (name, array) in enumerate(wanted.items()):
        order = [*(each for each in free if each == at), *(each for each in free if each != at)]
        tries = [(place, last) for place in order for last in (False, True)]
        fitting = [each for each in tries if _alike(_last(array) if each[1] else array, got[each[0]])]
        # a file that is wrong is for the check that follows: places and sizes say what was meant
        fitting = fitting or [each for each in tries if each[0] == at and _shaped(array, got[at], last=each[1])]
        if not fitting:
            return {"problem": f'output "{name}" is not among those of the file', "outputs": []}
        place, last = fitting[0]
        free.remove(place)
        pairs.append({**described[place], "source": name, "last": last and array.ndim == IMAGE})
    return {"outputs": pairs}


def _shaped(array: Any, other: Any, *, last: bool) -> bool:
    return bool((_last(array) if last else array).shape == other.shape)


def _alike(array: Any, other: Any) -> bool:
    if array.shape != other.shape:
        return False
    one, two = (np.nan_to_num(np.asarray(each, np.float64)) for each in (array, other))
    scale = float(np.abs(one).max(initial=0.0))
    return bool(np.abs(one - two).max(initial=0.0) <= LIKE * scale)


if __name__ == "__main__":
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else ONNX Runtime writes into the home folder
    asked, told = map(Path, sys.argv[1:3])
    try:
        told.write_text(json.dumps(main(json.loads(asked.read_text("utf-8")))), "utf-8")
    except BaseException as error:  # noqa: BLE001 - onnx2tf leaves by sys.exit, too; the parent reads the last line
        import traceback

        traceback.print_exc()
        words = " ".join(str(getattr(error, "what", error)).split())
        hint = getattr(error, "hint", "")
        told.write_text(json.dumps({"error": words or type(error).__name__, "hint": hint}), "utf-8")
        sys.exit(1)
