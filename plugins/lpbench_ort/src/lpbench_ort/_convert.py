"""Stores an ONNX model in a shorter precision: S8 by static quantisation, F16 by casting; inputs and outputs stay."""

from __future__ import annotations

import itertools
import os
import warnings
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.plugin.kit import onnx_prepare
from lpbench_ort import qdq

if TYPE_CHECKING:
    from pathlib import Path

TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""As in the engine's spec: importing onnxruntime writes to the home folder otherwise."""


class OnnxNarrowing(Converter):
    """ONNX Runtime's own tools for ONNX files.  Open dimensions stay open; inputs and outputs keep their types."""

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model.

        :raises ConversionError: The model cannot be read or stored in this precision, or there are no samples to
            calibrate with.
        """
        os.environ.update(TELEMETRY)
        import onnx
        import onnxruntime

        whole, target = wanted.scratch / "whole.onnx", wanted.folder / "model.onnx"
        try:
            onnx_prepare.in_one_file(source.path, whole)
        except onnx_prepare.SourceError as error:
            raise ConversionError(error.what, where=str(source.path), hint=error.hint) from error
        if wanted.precision == "S8":
            _renew(whole)
            qdq.quantise(whole, target, wanted.calibration)
        else:
            _cast(whole, target)
        inputs, outputs = _tensors(target, source)
        tools = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}
        return Converted(Model("onnx", target, (), inputs, outputs), tools)


def _renew(path: Path) -> None:
    """Raise a model's operator set to the first that quantisation by channels needs.

    :raises ConversionError: onnx cannot translate an operator; it is named.
    """
    import onnx

    model = onnx.load(str(path))
    if qdq.operator_set(model) >= qdq.OPSET:
        return
    try:
        onnx.save(onnx.version_converter.convert_version(model, qdq.OPSET), str(path))
    except Exception as error:  # it raises RuntimeError, and others for damaged files
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"onnx cannot raise the operator set to {qdq.OPSET}: {reason}") from error


def _cast(source: Path, target: Path) -> None:
    """Write a model whose weights and operators are in F16, with casts behind its inputs and before its outputs.

    :raises ConversionError: ONNX Runtime's tool refuses the model.
    """
    import onnx
    from onnxruntime.transformers import float16

    try:
        model = onnx.load(str(source))
        qdq.refuse_quantised(model, source)
        _name_operators(model.graph)
        with qdq.quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of weights that round to zero: the check compares the outputs
            narrow = float16.convert_float_to_float16(model, keep_io_types=True)
        _drop_repeated(narrow.graph)
        onnx.save(narrow, str(target))
    except ConversionError:
        raise
    except Exception as error:  # onnx and numpy raise many types for what they do not support
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"ONNX Runtime cannot cast the model to F16: {reason}") from error


def _name_operators(graph: Any) -> None:
    """Name operators that have no name: the tool names casts after them, and the casts of two would be one."""
    taken = {node.name for node in graph.node}
    for number, node in enumerate(graph.node):
        if not node.name:
            free = (f"{node.op_type}_{at}" for at in itertools.count(number))
            node.name = next(name for name in free if name not in taken)
            taken.add(node.name)


def _drop_repeated(graph: Any) -> None:
    """Leave one of the casts that make the same tensor.

    The tool writes one for each operator that stays in F32, such as Min and Max, and ONNX allows one.
    """
    makers = {tuple(node.output): node for node in reversed(graph.node)}
    kept = [node for node in graph.node if makers[tuple(node.output)] is node]
    del graph.node[:]
    graph.node.extend(kept)


def _tensors(path: Path, source: Model) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs as the file states them, with the layouts that the source's have."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    layouts = {tensor.name: tensor.layout for tensor in (*source.inputs, *source.outputs)}
    inputs = [value for value in graph.input if value.name not in weights]
    one, other = (
        tuple(_info(value, layouts.get(value.name, "")) for value in values) for values in (inputs, graph.output)
    )
    return one, other


def _info(value: Any, layout: str) -> TensorInfo:
    import onnx

    kind = value.type.tensor_type
    sizes = tuple(
        size.dim_value if size.HasField("dim_value") and size.dim_value >= 0 else size.dim_param or None
        for size in kind.shape.dim
    )
    return TensorInfo(value.name, onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name, sizes, layout)
