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
LOWEST = -1e30
"""Below it, a value to pad with stands for minus infinity."""


class QuantisedError(Exception):
    """The model is no model in floats."""


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
    source = Interpreter(model_path=str(signed))
    key = next(iter(source.get_signature_list()))
    ranges = _ranges(narrow, key, request["samples"]) if narrow.need_calibration else None
    narrow.quantize(ranges).export_model(request["target"])
    made = Interpreter(model_path=request["target"])
    return {
        "inputs": list(map(_described, made.get_input_details(), source.get_input_details())),
        "outputs": list(map(_described, made.get_output_details(), source.get_output_details())),
        "tools": {name: importlib.metadata.version(name) for name in TOOLS},
    }


def _signed(content: bytes) -> bytes:
    """Return a model as the quantiser takes it: with a signature, by which it runs the model; onnx2tf writes none.

    Operators are named where the quantiser reads them, no pool is padded with minus infinity where zeros do the same,
    and weights in F16 are constants in F32.
    """
    import flatbuffers  # type: ignore[import-untyped] # the library is untyped
    from ai_edge_litert import schema_py_generated as schema  # type: ignore[import-untyped] # the library is untyped

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if any(_quantised(tensor) for graph in model.subgraphs for tensor in graph.tensors):
        raise QuantisedError("the model is quantised already")
    changed = _name_operators(model) | _pad_with_zeros(model) | _widen(model)
    if model.signatureDefs and not changed:
        return content
    if not model.signatureDefs:
        _sign(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _quantised(tensor: Any) -> bool:
    """Return whether a tensor holds whole numbers that stand for floats."""
    from ai_edge_litert import schema_py_generated as schema

    scales = None if tensor.quantization is None else tensor.quantization.scale
    return tensor.type != schema.TensorType.FLOAT32 and scales is not None and len(scales) > 0


def _sign(model: Any) -> None:
    """Add a signature with the inputs and outputs of the model."""
    from ai_edge_litert import schema_py_generated as schema

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


def _name_operators(model: Any) -> bool:
    """Name operators in the field of 32 bits; return whether some were named in that of 8 bits alone.

    Files of older converters have only the latter, and the quantiser would take all their operators for number 0, ADD.
    """
    changed = False
    for code in model.operatorCodes:
        if code.builtinCode < code.deprecatedBuiltinCode:
            code.builtinCode, changed = code.deprecatedBuiltinCode, True
    return changed


def _pad_with_zeros(model: Any) -> bool:
    """Pad with zeros what is padded with minus infinity for maximum pooling after a ReLU; return whether there is some.

    Minus infinity, as onnx2tf writes it for ``ceil_mode``, leaves no range for the values themselves, and the
    quantiser refuses it.  Zero is the least that a ReLU gives, so the maxima remain the same.
    """
    from ai_edge_litert import schema_py_generated as schema

    names, changed = schema.BuiltinOperator, False
    codes = [code.builtinCode for code in model.operatorCodes]
    for graph in model.subgraphs:
        makers = {int(tensor): each for each in graph.operators for tensor in each.outputs}
        for each in graph.operators:
            padded = int(each.outputs[0]) if len(each.outputs) else -1
            readers = [codes[one.opcodeIndex] for one in graph.operators if padded in one.inputs]
            if (
                codes[each.opcodeIndex] == names.PADV2
                and readers
                and set(readers) == {names.MAX_POOL_2D}
                and padded not in graph.outputs
                and _lowest(model, graph.tensors[each.inputs[2]])
                and _is_relu(makers.get(int(each.inputs[0])), codes)
            ):
                each.opcodeIndex, each.inputs = _code_of_pad(model), each.inputs[:2]
                each.builtinOptionsType, each.builtinOptions = schema.BuiltinOptions.PadOptions, schema.PadOptionsT()
                changed = True
    return changed


def _widen(model: Any) -> bool:
    """Store weights in F32 that are stored in F16 in front of DEQUANTIZE; return whether there are some.

    The quantiser takes only constants for weights, and the outputs of DEQUANTIZE for activations.
    """
    from ai_edge_litert import schema_py_generated as schema

    before, spare = len(model.buffers), []
    for graph in model.subgraphs:
        kept = []
        for each in graph.operators:
            stored = _in_f16(model, graph, each)
            if stored is None:
                kept.append(each)
                continue
            spare.append(stored)
            data = np.asarray(model.buffers[stored.buffer].data, np.uint8).tobytes()
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, "<f2").astype("<f4").view(np.uint8)
            model.buffers.append(buffer)
            graph.tensors[each.outputs[0]].buffer = len(model.buffers) - 1
        graph.operators = kept
    _empty(model, spare)
    return len(model.buffers) > before


def _in_f16(model: Any, graph: Any, operator: Any) -> Any:
    """Return the constant in F16 that an operator turns into F32; None if it does something else."""
    from ai_edge_litert import schema_py_generated as schema

    if model.operatorCodes[operator.opcodeIndex].builtinCode != schema.BuiltinOperator.DEQUANTIZE:
        return None
    stored = graph.tensors[operator.inputs[0]]
    data = model.buffers[stored.buffer].data
    return stored if stored.type == schema.TensorType.FLOAT16 and data is not None and len(data) else None


def _empty(model: Any, tensors: list[Any]) -> None:
    """Leave a single zero in F16 of constants that no operator reads: the calibration reads all of them."""
    read = {
        graph.tensors[index].buffer
        for graph in model.subgraphs
        for each in graph.operators
        for index in each.inputs
        if index >= 0
    }
    for tensor in tensors:
        if tensor.buffer not in read:
            tensor.shape, tensor.shapeSignature = np.ones(1, np.int32), None
            model.buffers[tensor.buffer].data = np.zeros(2, np.uint8)


def _lowest(model: Any, tensor: Any) -> bool:
    """Return whether a tensor is a constant that stands for minus infinity."""
    from ai_edge_litert import schema_py_generated as schema

    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type != schema.TensorType.FLOAT32:
        return False
    return bool((np.frombuffer(bytes(data), "<f4") < LOWEST).all())


def _is_relu(maker: Any, codes: list[int]) -> bool:
    """Return whether an operator gives nothing below zero, by itself or by what is fused into it."""
    from ai_edge_litert import schema_py_generated as schema

    if maker is None:
        return False
    names, fused = schema.BuiltinOperator, schema.ActivationFunctionType
    if codes[maker.opcodeIndex] in {names.RELU, names.RELU6}:
        return True
    return getattr(maker.builtinOptions, "fusedActivationFunction", fused.NONE) in {fused.RELU, fused.RELU6}


def _code_of_pad(model: Any) -> int:
    """Return the index of a new operator code for padding with zeros."""
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.PAD
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


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


def _described(detail: Any, source: Any) -> dict[str, Any]:
    """Return a tensor with the name that it had: an output gets another one from the quantiser."""
    shape = [int(size) for size in detail["shape"]]
    names = {"name": str(detail["name"]), "source": str(source["name"])}
    return {**names, "dtype": np.dtype(detail["dtype"]).name, "shape": shape}


if __name__ == "__main__":
    request_path, answer_path = map(Path, sys.argv[1:3])
    try:
        answer_path.write_text(json.dumps(main(json.loads(request_path.read_text("utf-8")))), "utf-8")
    except QuantisedError as error:
        answer_path.write_text(json.dumps({"error": str(error), "hint": "use the model before that"}), "utf-8")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the quantiser raises many types; the parent reads the words
        import traceback

        traceback.print_exc()
        words = " ".join(str(error).split())[:300]
        told = {"error": f"ai-edge-quantizer cannot store the model: {type(error).__name__}: {words}", "hint": ""}
        answer_path.write_text(json.dumps(told), "utf-8")
        sys.exit(1)
