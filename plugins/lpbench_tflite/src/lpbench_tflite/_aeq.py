"""Stores a TFLite model in S8 or F16 with ai-edge-quantizer: ``python _aeq.py REQUEST ANSWER``, both JSON.

Runs in ai-edge-quantizer's own environment, so it imports nothing from lpbench.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOOLS = ("ai-edge-quantizer", "ai-edge-litert")
SIGNATURE = "serving_default"
"""TensorFlow's name for the signature of a model that has one."""


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Write the model and return its inputs and outputs, in the source's order, and the versions of the tools.

    ``request`` holds ``model`` and ``target``, TFLite files, a ``scratch`` folder, ``precision``, and for S8
    ``samples``: files of numpy's by input name.
    """
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped] # the library is untyped
    from ai_edge_quantizer import quantizer  # type: ignore[import-not-found] # installed only in its own environment

    signed = Path(request["scratch"]) / "signed.tflite"
    signed.write_bytes(_signed(Path(request["model"]).read_bytes()))
    narrow = quantizer.Quantizer(str(signed))
    _choose(narrow, request["precision"])
    key = next(iter(Interpreter(model_path=str(signed)).get_signature_list()))
    ranges = _ranges(narrow, key, request["samples"]) if narrow.need_calibration else None
    narrow.quantize(ranges).export_model(request["target"])
    made = Interpreter(model_path=request["target"])
    return {
        "inputs": list(map(_described, made.get_input_details())),
        "outputs": list(map(_described, made.get_output_details())),
        "tools": {name: importlib.metadata.version(name) for name in TOOLS},
    }


def _signed(content: bytes) -> bytes:
    """Return a model with a signature, by which the quantiser runs it; onnx2tf writes none."""
    import flatbuffers  # type: ignore[import-untyped] # the library is untyped
    from ai_edge_litert import schema_py_generated as schema  # type: ignore[import-untyped] # the library is untyped

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if model.signatureDefs:
        return content
    graph = model.subgraphs[0]

    def named(indices: Any) -> list[Any]:
        maps = []
        for index in indices:
            maps.append(schema.TensorMapT())
            maps[-1].name, maps[-1].tensorIndex = graph.tensors[index].name, int(index)
        return maps

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    signature.inputs, signature.outputs = named(graph.inputs), named(graph.outputs)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _choose(narrow: Any, precision: str) -> None:
    """Set what is stored how: inputs and outputs of the model keep their type."""
    from ai_edge_quantizer import algorithm_manager, qtyping

    names, ways = qtyping.TFLOperationName, algorithm_manager.AlgorithmName
    if precision == "F16":
        narrow.add_weight_only_config(".*", names.ALL_SUPPORTED, num_bits=16, algorithm_key=ways.FLOAT_CASTING)
        return
    narrow.add_static_config(".*", names.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    for end in (names.INPUT, names.OUTPUT):
        narrow.update_quantization_recipe(".*", end, algorithm_key=ways.NO_QUANTIZE)


def _ranges(narrow: Any, key: str, samples: list[dict[str, str]]) -> dict[str, Any]:
    """Return the range of every activation over all samples.

    The quantiser's own calibration of several samples averages their ranges and so cuts off the peaks, which decide a
    classification.

    :param key: The signature to run.
    """
    found: dict[str, Any] = {}
    for files in samples:
        feeds = {name: np.load(file) for name, file in files.items()}
        for tensor, seen in narrow.calibrate({key: [feeds]}).items():
            known = found.get(tensor, seen)
            ends = {"min": np.minimum(known["min"], seen["min"]), "max": np.maximum(known["max"], seen["max"])}
            found[tensor] = {**seen, **ends}
    return found


def _described(detail: Any) -> dict[str, Any]:
    dtype = np.dtype(detail["dtype"]).name
    return {"name": str(detail["name"]), "dtype": dtype, "shape": [int(size) for size in detail["shape"]]}


if __name__ == "__main__":
    request_path, answer_path = map(Path, sys.argv[1:3])
    try:
        answer_path.write_text(json.dumps(main(json.loads(request_path.read_text("utf-8")))), "utf-8")
    except Exception as error:  # noqa: BLE001 - the quantiser raises many types; the parent reads the words
        import traceback

        traceback.print_exc()
        words = " ".join(str(error).split())[:300]
        told = {"error": f"ai-edge-quantizer cannot store the model: {type(error).__name__}: {words}", "hint": ""}
        answer_path.write_text(json.dumps(told), "utf-8")
        sys.exit(1)
