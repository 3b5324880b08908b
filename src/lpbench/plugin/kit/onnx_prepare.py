"""Prepares an ONNX file for converters, which support less of the format than engines do.

This file must not import lpbench: tools run it by its path in their own environments.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Sizes = tuple[int | str | None, ...]

SMALL = 4096
"""Largest size in bytes of a constant from which shapes may be computed; larger constants are weights."""
EACH_AXIS = 13
"""The ONNX operator set since which Softmax and similar operators work along one axis; before, they flattened."""
SOFTMAX = frozenset({"Softmax", "LogSoftmax", "Hardmax"})


class SourceError(ValueError):
    """A model cannot be prepared.

    :param what: What is wrong, naming the thing.
    :param hint: What the reader can do about it.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, numpy's name of its type, and its sizes; sizes of an output may be unknown."""

    name: str
    dtype: str
    shape: Sizes


@dataclass(frozen=True)
class Source:
    """The inputs, outputs and operators of a model; ``operators`` are the operator types, each once."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[str, ...]


def prepare(path: Path, target: Path, shapes: Mapping[str, Sequence[int]]) -> Source:
    """Rewrite a model: in one file, with inputs of fixed sizes and operators that converters support.

    :param shapes: Shapes of inputs with open dimensions, by name.
    :raises SourceError: The file is not a model or is damaged, or a size is missing or contradicts the model.
    """
    model = _load(path)
    try:
        return _rewrite(model, target, shapes)
    except SourceError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:  # nodes without inputs, say
        raise SourceError(
            f"{path.name} is damaged: {type(error).__name__} {' '.join(str(error).split())[:200]}",
            "fetch or export it again; onnx.checker.check_model may say what is wrong",
        ) from error


def in_one_file(path: Path, target: Path) -> None:
    """Write a model into one file, with its weights in it, and otherwise as it is.

    :raises SourceError: The file is not a model or is damaged, or the model is too large for one file.
    """
    _save(_load(path), target)


def _rewrite(model: Any, target: Path, shapes: Mapping[str, Sequence[int]]) -> Source:
    inputs = list(_inputs(model))
    _refuse_unknown(shapes, [info.name for info in inputs])
    for info in inputs:
        _fix(info, shapes.get(info.name))
    sizes = _sizes(model)
    if shapes or not all(map(_settled, (*model.graph.output, *model.graph.value_info))):
        _update_sizes(model, sizes)
    _decompose_softmax(model, sizes)
    for node in model.graph.node:
        _simplify_pooling(node, sizes)
    _save(model, target)
    outputs = tuple(_tensor(info, sizes.get(info.name)) for info in model.graph.output)
    return Source(tuple(map(_tensor, inputs)), outputs, tuple(sorted({node.op_type for node in model.graph.node})))


def _load(path: Path) -> Any:
    import onnx

    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf and onnx raise many types for damaged files and missing weights
        raise SourceError(
            f"{path.name} cannot be read as ONNX: {' '.join(str(error).split())[:200]}",
            "fetch or export it again, with its weights beside it",
        ) from error
    if not model.graph.output:
        raise SourceError(f"{path.name} is not an ONNX model: it has no outputs", "fetch or export it again")
    return model


def _inputs(model: Any) -> Iterator[Any]:
    """Yield the inputs without the weights, which old files list among them."""
    weights = {tensor.name for tensor in model.graph.initializer}
    for info in model.graph.input:
        if info.name in weights:
            continue
        if not info.type.HasField("tensor_type"):
            raise SourceError(f'input "{info.name}" is not a tensor', "converters support only tensors")
        yield info


def _refuse_unknown(shapes: Mapping[str, Sequence[int]], known: Sequence[str]) -> None:
    for name in shapes:
        if name not in known:
            raise SourceError(
                f'a shape is given for "{name}", which is not an input of the model', f"inputs: {', '.join(known)}"
            )


def _shape_setting(name: str, sizes: str) -> str:
    """Return how to give a shape, as ``lpbench.errors.setting`` does: this file runs where lpbench is not."""
    on_command_line = os.environ.get("LPBENCH_CALLER") == "command line"
    return f"--shape {shlex.quote(f'{name}={sizes}')}" if on_command_line else f'shapes={{"{name}": [{sizes}]}}'


def _fix(info: Any, shape: Sequence[int] | None) -> None:
    """Set the sizes of an input."""
    kind = info.type.tensor_type
    stated = _dimensions(kind) if kind.HasField("shape") else None
    if stated is not None and 0 in stated:
        raise SourceError(
            f'input "{info.name}" is empty: {_text(stated)}',
            "export the model with a size of at least 1, or an open one",
        )
    if shape is None:
        if stated is None or not _complete(stated):
            raise SourceError(
                f'input "{info.name}" has open dimensions: {_text(stated)}',
                "a converter needs fixed sizes; set them, with numbers for the question marks: "
                f"{_shape_setting(info.name, _asked(stated))}",
            )
        return
    fits = stated is None or (
        len(shape) == len(stated)
        and all(not isinstance(right, int) or right == size for right, size in zip(stated, shape, strict=True))
    )
    if not fits or min(shape, default=1) < 1:
        raise SourceError(
            f'input "{info.name}" cannot be {_text(shape)}; the model has {_text(stated)}',
            "give a size for each ? and each named dimension, and do not change the others",
        )
    _set(kind, shape)


def _settled(info: Any) -> bool:
    """Return whether a file states every size of a tensor."""
    return _complete(_dimensions(info.type.tensor_type))


def _asked(stated: Sizes | None) -> str:
    """Return a shape to type, with question marks for the sizes to fill in."""
    sizes = stated or ("?",)
    return ",".join(str(size) if isinstance(size, int) and size > 0 else "?" for size in sizes)


def _set(kind: Any, shape: Sequence[int]) -> None:
    kind.ClearField("shape")
    for size in shape:
        kind.shape.dim.add().dim_value = size
    kind.shape.SetInParent()  # a scalar has a shape too


def _sizes(model: Any) -> dict[str, Sizes]:
    """Return the sizes of every tensor for which they can be inferred, without copying the weights."""
    import onnx

    graph = model.graph
    light = onnx.GraphProto(name=graph.name or "g", node=graph.node, input=graph.input)
    light.output.extend(_without_sizes(info) for info in graph.output)
    for tensor in graph.initializer:
        small = tensor.ByteSize() <= SMALL
        light.initializer.append(tensor if small else onnx.TensorProto(data_type=tensor.data_type, dims=tensor.dims))
        light.initializer[-1].name = tensor.name
    versions = {"ir_version": model.ir_version, "opset_import": model.opset_import, "functions": model.functions}
    try:
        inferred = onnx.shape_inference.infer_shapes(onnx.ModelProto(graph=light, **versions)).graph
    except onnx.shape_inference.InferenceError:  # operators of a domain that the file does not declare
        inferred = light
    infos = (*inferred.input, *inferred.value_info, *inferred.output)
    return {info.name: _dimensions(info.type.tensor_type) for info in infos if info.type.tensor_type.HasField("shape")}


def _without_sizes(info: Any) -> Any:
    """Return an output without its sizes, which the file may state for other input sizes."""
    import onnx

    kind = onnx.TypeProto()
    kind.tensor_type.elem_type = info.type.tensor_type.elem_type
    return onnx.ValueInfoProto(name=info.name, type=kind)


def _update_sizes(model: Any, sizes: Mapping[str, Sizes]) -> None:
    """Drop the sizes of intermediate tensors that the file states, and set those of outputs."""
    del model.graph.value_info[:]
    for info in model.graph.output:
        if _complete(shape := sizes.get(info.name, (None,))):
            _set(info.type.tensor_type, [size for size in shape if isinstance(size, int)])


def _decompose_softmax(model: Any, sizes: Mapping[str, Sizes]) -> None:
    """Replace the Softmax of operator sets before 13 by equivalent operators.

    It treated all dimensions from the axis on as one.  Converters interpret the axis as in later
    versions and silently produce wrong results.
    """
    version = next((opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}), EACH_AXIS)
    if version >= EACH_AXIS:
        return
    nodes = [part for node in model.graph.node for part in _decomposed(model.graph, node, sizes)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _decomposed(graph: Any, node: Any, sizes: Mapping[str, Sizes]) -> Sequence[Any]:
    import onnx

    shape = sizes.get(node.input[0]) if node.op_type in SOFTMAX and not node.domain else None
    if shape is None or not _complete(shape):
        return [node]
    whole = [size for size in shape if isinstance(size, int)]
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1) % len(shape)
    helper, name = onnx.helper, node.output[0]
    if axis == len(shape) - 1:  # equivalent in every version
        return [helper.make_node(node.op_type, node.input, node.output, node.name, axis=axis)]
    flat, found, back = (f"{name}/{part}" for part in ("flat", "found", "shape"))
    graph.initializer.append(helper.make_tensor(back, onnx.TensorProto.INT64, [len(shape)], whole))
    return [
        helper.make_node("Flatten", node.input, [flat], f"{node.name}/flatten", axis=axis),
        helper.make_node(node.op_type, [flat], [found], node.name, axis=1),
        helper.make_node("Reshape", [found, back], [name], f"{node.name}/reshape"),
    ]


def _simplify_pooling(node: Any, sizes: Mapping[str, Sizes]) -> None:
    """Replace an average over a whole channel by GlobalAveragePool, as converters do not support all its paddings."""
    shape = sizes.get(node.input[0]) if node.op_type == "AveragePool" and not node.domain else None
    result = sizes.get(node.output[0], (None,))
    if shape is None or not _complete(shape) or set(result[2:]) != {1}:
        return
    attributes = {attribute.name: list(attribute.ints) or attribute.i for attribute in node.attribute}
    kernel, space = attributes["kernel_shape"], shape[2:]
    before = attributes.get("pads", [0] * len(space))[: len(space)]
    plain = not {"auto_pad", "count_include_pad", "dilations"} & attributes.keys()
    reaches = all(pad + int(size or 0) <= reach for pad, size, reach in zip(before, space, kernel, strict=True))
    if plain and reaches:
        node.op_type = "GlobalAveragePool"
        del node.attribute[:]


def _save(model: Any, target: Path) -> None:
    import onnx

    try:
        onnx.save(model, str(target))
    except ValueError as error:  # protobuf's limit
        raise SourceError(
            f"the model is larger than 2 GB: {' '.join(str(error).split())}",
            "converters need the model in one file, which cannot be larger",
        ) from error


def _tensor(info: Any, sizes: Sizes | None = None) -> Tensor:
    import onnx

    kind = info.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    return Tensor(info.name, dtype, _dimensions(kind) if sizes is None else sizes)


def _dimensions(kind: Any) -> Sizes:
    """Return the sizes of a tensor; a negative size is an open dimension, as engines read it."""
    return tuple(
        (size.dim_value if size.dim_value >= 0 else None) if size.HasField("dim_value") else size.dim_param or None
        for size in kind.shape.dim
    )


def _complete(shape: Sizes) -> bool:
    """Return whether every size is known; dimensions of 0 hold nothing to convert."""
    return all(isinstance(size, int) and size > 0 for size in shape)


def _text(shape: Sequence[int | str | None] | None) -> str:
    if shape is None:
        return "any number of dimensions"
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"
