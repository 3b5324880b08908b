"""The processors of bare models: synthetic tensors or tensors from files, and raw outputs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config reads the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError, nearest, setting
from lpbench.plugin.builtin.array_files import read_arrays
from lpbench.plugin.builtin.synthetic import synthetic
from lpbench.plugin.kit import feed_checks, narrow_floats
from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample
from lpbench.util.bounds import refuse_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

    Array = np.ndarray[Any, Any]

ENDS = 2


@dataclass(frozen=True)
class TensorConfig:
    """How inputs are generated.

    :param shapes: Shapes by input name, for inputs with open dimensions.
    :param ranges: Lowest value and end by input name: floats are uniform between them, integers and
        booleans exclude the end, as Python's ``range`` does.
    :param seed: Seed of the generated values.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, found {self.seed}")
        for name, shape in self.shapes.items():
            if any(size < 1 for size in shape):
                raise ValueError(f'shape of "{name}" must consist of whole numbers of 1 or more, found {list(shape)}')
        for name, ends in self.ranges.items():
            if len(ends) != ENDS or not -math.inf < ends[0] < ends[-1] < math.inf:
                raise ValueError(f'range of "{name}" must be two numbers, the lower first, found {list(ends)}')
            if ends[-1] - ends[0] == math.inf:
                raise ValueError(f'range of "{name}" is wider than floats are, found {list(ends)}')
        refuse_shapes(self.shapes)


@dataclass(frozen=True)
class RawConfig:
    """The config of raw outputs, which has no settings."""


class TensorPreprocessor(Preprocessor[TensorConfig]):
    """Passes raw tensors to the model: seeded random values, or those in .npy and .npz files.

    Floats are standard normal, integers 0, booleans False and texts empty, unless a range is given.
    """

    def __init__(self, config: TensorConfig, inputs: Sequence[TensorInfo]) -> None:
        super().__init__(config, inputs)
        names = [info.name for info in inputs]
        for option, given in (("shape", config.shapes), ("range", config.ranges)):
            for name in given:
                if name not in names:
                    raise ProcessorError(
                        f'a {option} is given for "{name}", which is not an input of the model',
                        hint=nearest(name, names),
                    )
        for info in inputs:
            if info.name in config.shapes:
                _refuse_contradiction(info, config.shapes[info.name])
        self._shapes: dict[str, tuple[int, ...]] = {}

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the sample's tensors by input name, unchanged."""
        feeds: Feeds = sample.data
        return feeds

    def generate(self, index: int, seed: int) -> Sample:
        """Return synthetic tensors, bit for bit the same on every machine and with every version of numpy.

        :raises ProcessorError: A dimension is open, or values of a type cannot be generated.
        """
        self._shapes = self._shapes or resolve_shapes(self.inputs, self.config.shapes)
        return Sample(
            str(index), {info.name: self._make(info, index, seed) for info in self.inputs if info.name in self._shapes}
        )

    def load(self, path: Path) -> Sample:
        """Return the tensors in an .npy file, for models with one input, or in an .npz file by input name.

        :raises ProcessorError: The file cannot be read, or a type or shape does not fit the model.
        """
        arrays = read_arrays(path, [info.name for info in _needed(self.inputs, self.config.shapes)])
        names = {info.name for info in self.inputs}
        for name in sorted(arrays.keys() - names):
            raise ProcessorError(
                f'holds "{name}", which is not an input of the model', where=str(path), hint=nearest(name, names)
            )
        taken = [info for info in self.inputs if info.name in arrays or not info.optional]
        return Sample(path.name, {info.name: self._fitting(info, arrays, path) for info in taken})

    def _make(self, info: TensorInfo, index: int, seed: int) -> Array:
        shape = self._shapes[info.name]
        entropy = [self.config.seed, seed, index, zlib.crc32(info.name.encode())]
        try:
            return synthetic(info.dtype, shape, entropy, self.config.ranges.get(info.name))
        except ProcessorError as error:
            raise ProcessorError(error.what, where=f'input "{info.name}"', hint=error.hint) from None
        except (MemoryError, ValueError):
            raise ProcessorError(
                f"shape {_text(shape)} does not fit into memory", where=f'input "{info.name}"'
            ) from None

    def _fitting(self, info: TensorInfo, arrays: Mapping[str, Array], path: Path) -> Array:
        if info.name not in arrays:
            raise ProcessorError(
                f'holds no array "{info.name}", which the model needs',
                where=str(path),
                hint=f"it holds {', '.join(sorted(arrays)) or 'nothing'}",
            )
        array = arrays[info.name]
        if info.dtype == "str" and array.dtype.kind == "U":
            array = array.astype(object)
        _refuse_type(info, array, path)
        shape = self.config.shapes.get(info.name, info.shape)
        if not _fits(array.shape, shape):
            raise ProcessorError(
                f'"{info.name}" has the shape {_text(array.shape)}; the model takes {_text(shape)}',
                where=str(path),
                hint="reshape or resize it before saving",
            )
        return array


class TensorPostprocessor(Postprocessor[RawConfig]):
    """Returns the outputs unchanged."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Outputs:
        """Return the outputs unchanged."""
        return outputs

    def describe(self, prediction: Outputs, /) -> Mapping[str, Any]:
        """Return shape, type, minimum, maximum and mean of each output under ``outputs``.

        NaN and infinities are excluded from the three and counted under ``not_finite``.
        """
        names = {info.name: info.called for info in self.outputs}
        types = {info.name: info.dtype for info in self.outputs}
        return {
            "outputs": {
                names.get(name, name): _describe(array, types.get(name, "")) for name, array in prediction.items()
            }
        }


def resolve_shapes(inputs: Sequence[TensorInfo], given: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Return a shape without open dimensions for every input, of optional inputs for those of which one is given.

    The size of a dimension comes from the shape given for its input, or from a dimension of the
    same name; an open first dimension is the batch and becomes 1.

    :raises ProcessorError: Some dimensions stay open; the hint names the options that set them.
    """
    sizes = _named_sizes(inputs, given)

    def size(axis: int, dimension: int | str | None) -> int | str | None:
        if isinstance(dimension, int):
            return dimension
        return sizes.get(dimension or "", 1 if axis == 0 else dimension)

    shapes = {
        info.name: tuple(given[info.name])
        if info.name in given
        else tuple(size(axis, dimension) for axis, dimension in enumerate(info.shape))
        for info in _needed(inputs, given)
    }
    fixed = {name: tuple(size for size in shape if isinstance(size, int)) for name, shape in shapes.items()}
    if any(len(fixed[name]) < len(shape) for name, shape in shapes.items()):
        raise _open(shapes)
    return fixed


def _needed(inputs: Sequence[TensorInfo], given: Mapping[str, Sequence[int]]) -> list[TensorInfo]:
    """Return the inputs that a sample has: an optional one only if its shape is given."""
    return [info for info in inputs if info.name in given or not info.optional]


def _named_sizes(inputs: Sequence[TensorInfo], given: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Return the sizes of named dimensions: from the given shapes, else 1 for first dimensions, the batch."""
    sizes: dict[str, int] = {}
    for info in inputs:
        for axis, name in info.dynamic.items():
            if (
                info.name in given
                and name != "?"
                and sizes.setdefault(name, given[info.name][axis]) != (size := given[info.name][axis])
            ):
                raise ProcessorError(
                    f'dimension "{name}" is given as {sizes[name]} and, for input "{info.name}", as {size}',
                    hint="give dimensions of the same name the same size",
                )
    batches = (info.dynamic.get(0, "?") for info in inputs)
    return {**{name: 1 for name in batches if name != "?"}, **sizes}


def _open(shapes: Mapping[str, tuple[int | str | None, ...]]) -> ProcessorError:
    unresolved = {name: shape for name, shape in shapes.items() if not all(isinstance(size, int) for size in shape)}
    parts = [
        f'dimension {axis}{f" ({size})" if size else ""} of input "{name}"'
        for name, shape in unresolved.items()
        for axis, size in enumerate(shape)
        if not isinstance(size, int)
    ]
    what = f"{', '.join(parts)} {'is' if len(parts) == 1 else 'are'} open"
    options = setting("shapes", {name: _text(shape) for name, shape in _to_ask(unresolved)})
    return ProcessorError(what, hint=f"set the sizes, with numbers for the question marks: {options}")


def _to_ask(shapes: Mapping[str, tuple[int | str | None, ...]]) -> Iterator[tuple[str, tuple[int | str | None, ...]]]:
    """Yield the inputs whose shapes to ask for, except those whose open dimensions an earlier input already names."""
    covered: set[int | str | None] = {None}
    for name, shape in shapes.items():
        open_sizes = {size for size in shape if not isinstance(size, int)}
        if None in open_sizes or open_sizes - covered:
            yield name, shape
        covered |= open_sizes


def _refuse_contradiction(info: TensorInfo, given: tuple[int, ...]) -> None:
    if not _fits(given, info.shape):
        raise ProcessorError(
            f'input "{info.name}" is given the shape {_text(given)}; the model takes {_text(info.shape)}',
            hint=f"{setting('shapes', {info.name: _text(info.shape)})}, with numbers for question marks",
        )


def _refuse_type(info: TensorInfo, array: Array, path: Path) -> None:
    dtype = "object" if info.dtype == "str" else info.dtype
    if narrow_floats.holds(array, dtype) or (array.dtype.name == dtype and array.dtype.isnative):
        return
    order = "" if array.dtype.isnative else " in non-native byte order"
    hint = feed_checks.quantising(array, info) or f'save it with .astype("{dtype}")'
    if dtype in narrow_floats.BITS:
        hint = f"save its bits {narrow_floats.remedy(dtype)}"
    what = f'"{info.name}" is {array.dtype.name}{order}; the model takes {info.dtype}'
    raise ProcessorError(what, where=str(path), hint=hint)


def _fits(shape: Sequence[int], allowed: Sequence[int | str | None]) -> bool:
    return len(shape) == len(allowed) and all(
        not isinstance(right, int) or size == right for size, right in zip(shape, allowed, strict=True)
    )


def _text(shape: Sequence[int | str | None]) -> str:
    return ",".join(str(size) if isinstance(size, int) else "?" for size in shape)


def _describe(array: Any, dtype: str) -> dict[str, Any]:
    import numpy as np

    try:
        array = np.asarray(array)
    except ValueError:  # a sequence of tensors of several shapes
        return {"type": type(array).__name__}
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": array.dtype.name}
    if narrow_floats.holds(array, dtype):
        facts["dtype"], array = dtype, narrow_floats.decoded(array, dtype)
    if array.dtype.kind not in "biufcV" or array.dtype.names:
        return facts
    values = np.abs(array).astype(np.float64) if array.dtype.kind == "c" else array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if finite.size < values.size:
        facts["not_finite"] = int(values.size - finite.size)
    if finite.size:
        facts.update(min=float(finite.min()), max=float(finite.max()), mean=float(finite.mean()))
    return facts
