"""The model that ATC reads: one file of ONNX under a plain name, and what has to be known of it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import ConversionError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit import onnx_prepare
from lpbench_acl import _atc_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Shapes
    from lpbench_acl.atc_config import AtcConfig

    Sizes = tuple[int | str | None, ...]

NAME = "model.onnx"
PLAIN = re.compile(r"[A-Za-z0-9./_-]+")
"""Matches the paths that ATC opens."""
QUANTISED = frozenset({"QuantizeLinear", "DequantizeLinear", "AscendQuant", "AscendDequant"})
NARROW = ("FLOAT16", "BFLOAT16")


@dataclass(frozen=True)
class Source:
    """A model for ATC.

    :param words: What ATC is told of its shapes.
    :param narrow: The name of a type of floats below 32 bits that it has tensors of; empty without.
    :param quantised: Whether it has quantised operators.
    :param opset: Version of the operators of ``ai.onnx``; 0 without any.
    """

    words: tuple[str, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    narrow: str
    quantised: bool
    opset: int


@contextlib.contextmanager
def workplace(scratch: Path) -> Iterator[Path]:
    """Yield a folder in which ATC can work: the given one, or another if ATC does not open its path.

    :raises ConversionError: There is none.
    """
    if PLAIN.fullmatch(str(scratch.resolve())):
        yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="lpbench-") as folder:
        if not PLAIN.fullmatch(str(Path(folder).resolve())):
            raise ConversionError(
                "ATC opens only paths of letters, digits and ./_-",
                where=folder,
                hint="set TMPDIR or XDG_CACHE_HOME to a folder with such a path",
            )
        yield Path(folder)


def stage(path: Path, work: Path, config: AtcConfig, shapes: Shapes) -> Source:
    """Put a model into a folder: with fixed sizes, or as it is where gears are asked for.

    :raises ConversionError: It is damaged, a size is missing, or it cannot have the gears.
    """
    target = work / NAME
    try:
        if not config.kinds:
            prepared = onnx_prepare.prepare(path, target, shapes)
            return _looked_at(target, (), {tensor.name: tensor.shape for tensor in prepared.inputs})
        onnx_prepare.in_one_file(path, target)
    except onnx_prepare.SourceError as error:
        raise ConversionError(error.what, where=str(path), hint=error.hint) from error
    geared = _atc_shapes.geared(_stated(target), config, shapes)
    return _looked_at(target, geared.words, geared.shapes)


def _looked_at(target: Path, words: tuple[str, ...], shapes: Mapping[str, Sizes]) -> Source:
    import onnx

    model = onnx.load(str(target))
    types = {tensor.data_type for tensor in model.graph.initializer}
    types |= {info.type.tensor_type.elem_type for info in (*model.graph.input, *model.graph.output)}
    narrow = [name for name in NARROW if onnx.TensorProto.DataType.Value(name) in types]
    return Source(
        words,
        tuple(TensorInfo(name, "", shape) for name, shape in shapes.items()),
        _outputs([info.name for info in model.graph.output]),
        narrow[0].lower() if narrow else "",
        not QUANTISED.isdisjoint(node.op_type for node in model.graph.node),
        next((each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}), 0),
    )


def _outputs(names: Sequence[str]) -> tuple[TensorInfo, ...]:
    """Return the outputs under the engine's names: what follows the last colon, where that tells them apart."""
    own = [name.rpartition(":")[2] for name in names]
    unique = all(own) and len(set(own)) == len(own)
    pairs = zip(own, names, strict=True) if unique else ()
    return tuple(TensorInfo(name, "", (), alias=whole if whole != name else "") for name, whole in pairs)


def _stated(target: Path) -> dict[str, Sizes]:
    """Return the shapes of all inputs as the model states them.

    :raises ConversionError: It does not even state how many dimensions one of them has.
    """
    import onnx

    graph = onnx.load(str(target)).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [info for info in graph.input if info.name not in weights]
    for info in inputs:
        if not info.type.tensor_type.HasField("shape"):
            raise ConversionError(
                f'input "{info.name}" has an unknown rank: gears need to know which dimensions are open',
                hint="export the model with the shape of its inputs, or convert for one shape, without gears",
            )
    return {info.name: _sizes(info) for info in inputs}


def _sizes(info: Any) -> Sizes:
    dimensions = info.type.tensor_type.shape.dim
    return tuple(
        size.dim_value if size.HasField("dim_value") and size.dim_value >= 0 else size.dim_param or None
        for size in dimensions
    )
