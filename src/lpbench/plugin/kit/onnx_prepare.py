"""Makes an ONNX file ready for converters, which take less of the format than engines do.

Stands alone, with nothing of lpbench: tools run it by its path in environments of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Sizes = tuple[int | str | None, ...]

SMALL = 4096
"""Bytes of a constant that shapes may be computed from; larger ones are weights."""
EACH_AXIS = 13
"""The version of ONNX's operators since which Softmax and its kin follow one axis; before, they flattened."""
SOFTMAX = frozenset({"Softmax", "LogSoftmax", "Hardmax"})


class SourceError(ValueError):
    """A model cannot be made ready.

    :param what: What is wrong, naming the thing.
    :param hint: What the reader can do about it.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Tensor:
    """An input or output: numpy's name of its type, and its sizes, of which an output's may be unknown."""

    name: str
    dtype: str
    shape: Sizes


@dataclass(frozen=True)
class Source:
    """What a model is made of; ``operators`` are the types in it, each once."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[str, ...]


def prepare(path: Path, target: Path, shapes: Mapping[str, Sequence[int]]) -> Source:
    """Write a model anew: in one file, every input of a fixed size, operators as converters understand them.

    :param shapes: Of inputs with open dimensions, by name.
    :raises SourceError: The file is no model, a size is missing or contradicts the model.
    """
    model = _load(path)
    inputs = list(_inputs(model))
    _refuse_strangers(shapes, [each.name for each in inputs])
    for each in inputs:
        _fix(each, shapes.get(each.name))
    sizes = _sizes(model)
    if shapes:
        _forget_sizes(model, sizes)
    _spell_out_softmax(model, sizes)
    for node in model.graph.node:
        _simplify_pooling(node, sizes)
    _save(model, target)
    outputs = tuple(_tensor(each, sizes.get(each.name)) for each in model.graph.output)
    return Source(tuple(map(_tensor, inputs)), outputs, tuple(sorted({node.op_type for node in model.graph.node})))


def _load(path: Path) -> Any:
    import onnx

    try:
        model = onnx.load(str(path))
    except Exception as error:  # whatever protobuf and onnx raise for damaged files and missing weights
        raise SourceError(
            f"{path.name} cannot be read as ONNX: {' '.join(str(error).split())}",
            "fetch or export it again, with its weights beside it",
        ) from error
    if not model.graph.output:
        raise SourceError(f"{path.name} is no ONNX model: it gives nothing", "fetch or export it again")
    return model


def _inputs(model: Any) -> Iterator[Any]:
    """Yield the inputs; old files list weights among them."""
    weights = {each.name for each in model.graph.initializer}
    for each in model.graph.input:
        if each.name in weights:
            continue
        if not each.type.HasField("tensor_type"):
            raise SourceError(f'input "{each.name}" is no tensor', "converters take tensors only")
        yield each


def _refuse_strangers(shapes: Mapping[str, Sequence[int]], known: Sequence[str]) -> None:
    for name in shapes:
        if name not in known:
            raise SourceError(
                f'a shape is given for "{name}", which is no input of the model', f"inputs: {', '.join(known)}"
            )


def _fix(each: Any, shape: Sequence[int] | None) -> None:
    """Give an input its sizes."""
    kind = each.type.tensor_type
    found = _dimensions(kind) if kind.HasField("shape") else None
    if shape is None:
        if found is None or not _complete(found):
            raise SourceError(
                f'input "{each.name}" has open sizes: {_text(found)}',
                f"a converter needs them: --shape {each.name}=1,3,224,224 say",
            )
        return
    fits = found is None or (
        len(shape) == len(found)
        and all(not isinstance(have, int) or have == size for have, size in zip(found, shape, strict=True))
    )
    if not fits or min(shape, default=1) < 1:
        raise SourceError(
            f'input "{each.name}" cannot be {_text(shape)}; the model has {_text(found)}',
            "give a size for each ? and name, and leave the others as they are",
        )
    _set(kind, shape)


def _set(kind: Any, shape: Sequence[int]) -> None:
    kind.ClearField("shape")
    for size in shape:
        kind.shape.dim.add().dim_value = size
    kind.shape.SetInParent()  # a scalar has a shape too


def _sizes(model: Any) -> dict[str, Sizes]:
    """Return the sizes of every tensor that they follow for, without carrying the weights along."""
    import onnx

    graph = model.graph
    light = onnx.GraphProto(name=graph.name or "g", node=graph.node, input=graph.input)
    light.output.extend(_open(each) for each in graph.output)
    for each in graph.initializer:
        known = each if each.ByteSize() <= SMALL else onnx.TensorProto(data_type=each.data_type, dims=each.dims)
        light.initializer.append(known)
        light.initializer[-1].name = each.name
    versions = {"ir_version": model.ir_version, "opset_import": model.opset_import, "functions": model.functions}
    try:
        found = onnx.shape_inference.infer_shapes(onnx.ModelProto(graph=light, **versions)).graph
    except onnx.shape_inference.InferenceError:  # operators of a domain that the file does not declare
        found = light
    every = (*found.input, *found.value_info, *found.output)
    return {each.name: _dimensions(each.type.tensor_type) for each in every if each.type.tensor_type.HasField("shape")}


def _open(each: Any) -> Any:
    """Return an output without sizes that the file may state for other inputs."""
    import onnx

    kind = onnx.TypeProto()
    kind.tensor_type.elem_type = each.type.tensor_type.elem_type
    return onnx.ValueInfoProto(name=each.name, type=kind)


def _forget_sizes(model: Any, sizes: Mapping[str, Sizes]) -> None:
    """Drop what the file states of tensors whose sizes were open."""
    del model.graph.value_info[:]
    for each in model.graph.output:
        if _complete(found := sizes.get(each.name, (None,))):
            _set(each.type.tensor_type, [size for size in found if isinstance(size, int)])


def _spell_out_softmax(model: Any, sizes: Mapping[str, Sizes]) -> None:
    """Write what Softmax did before version 13 with the operators that it consisted of.

    It took all dimensions from the axis on as one.  Converters read the axis as later versions do, and
    go wrong without a word.
    """
    version = next((each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}), EACH_AXIS)
    if version >= EACH_AXIS:
        return
    nodes = [part for node in model.graph.node for part in _spelled_out(model.graph, node, sizes)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _spelled_out(graph: Any, node: Any, sizes: Mapping[str, Sizes]) -> Sequence[Any]:
    import onnx

    shape = sizes.get(node.input[0]) if node.op_type in SOFTMAX and not node.domain else None
    if shape is None or not _complete(shape):
        return [node]
    whole = [size for size in shape if isinstance(size, int)]
    axis = next((each.i for each in node.attribute if each.name == "axis"), 1) % len(shape)
    helper, name = onnx.helper, node.output[0]
    if axis == len(shape) - 1:  # the same in every version
        return [helper.make_node(node.op_type, node.input, node.output, node.name, axis=axis)]
    flat, found, back = (f"{name}/{part}" for part in ("flat", "found", "shape"))
    graph.initializer.append(helper.make_tensor(back, onnx.TensorProto.INT64, [len(shape)], whole))
    return [
        helper.make_node("Flatten", node.input, [flat], f"{node.name}/flatten", axis=axis),
        helper.make_node(node.op_type, [flat], [found], node.name, axis=1),
        helper.make_node("Reshape", [found, back], [name], f"{node.name}/reshape"),
    ]


def _simplify_pooling(node: Any, sizes: Mapping[str, Sizes]) -> None:
    """Call an average over everything by its name: padding that it leaves out is more than converters take."""
    shape = sizes.get(node.input[0]) if node.op_type == "AveragePool" and not node.domain else None
    result = sizes.get(node.output[0], (None,))
    if shape is None or not _complete(shape) or set(result[2:]) != {1}:
        return
    found = {each.name: list(each.ints) or each.i for each in node.attribute}
    kernel, space = found["kernel_shape"], shape[2:]
    before = found.get("pads", [0] * len(space))[: len(space)]
    plain = not {"auto_pad", "count_include_pad", "dilations"} & found.keys()
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
            "converters take models in one file, which cannot be larger",
        ) from error


def _tensor(each: Any, sizes: Sizes | None = None) -> Tensor:
    import onnx

    kind = each.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    return Tensor(each.name, dtype, _dimensions(kind) if sizes is None else sizes)


def _dimensions(kind: Any) -> Sizes:
    return tuple(each.dim_value if each.HasField("dim_value") else each.dim_param or None for each in kind.shape.dim)


def _complete(shape: Sizes) -> bool:
    """Say whether every size is known; some exporters write 0 or less for what is open."""
    return all(isinstance(size, int) and size > 0 for size in shape)


def _text(shape: Sequence[int | str | None] | None) -> str:
    if shape is None:
        return "any number of dimensions"
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"
