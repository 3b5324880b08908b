"""The outputs of a session for some samples, as bytes: the basis for comparing engines and conversions.

In the worker ``collect`` runs the samples; in the parent ``unpack`` returns their arrays.  The
feeds of a session can be kept in files and given to another session, which gets them in its own
layout: two sessions see the same values whatever their preprocessors do.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, EngineError, ProcessorError, nearest
from lpbench.plugin.kit import narrow_floats
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench.util.bounds import is_shape
from lpbench.util.text import amount, brief
from lpbench.worker.named_tensors import Tensor, named, results
from lpbench.worker.protocol import BLOCK_LIMIT, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from lpbench.plugin.engine import Feeds, Outputs, Session, TensorInfo
    from lpbench.plugin.processor import Postprocessor, Preprocessor

SUFFIX = ".feeds"
FIELDS = {"name": str, "layout": str, "step": float}
"""Types of what a record says of its tensor beside type and shape."""
SHOWN = 200
"""Characters of a wrong record that an error shows."""
TEXTS = "OSU"
"""Kinds of numpy arrays that hold texts, which are sent as fixed-width Unicode."""
ADDED = 2
"""``numpy.dtype.isbuiltin`` of types that a package adds, as ml_dtypes adds bfloat16: sent as float32."""
EMPTY = 1 << 24
"""Most values of a type without bytes, such as texts that are all empty: nothing else bounds them."""


@dataclass(frozen=True)
class RawSample:
    """The results of one sample.

    :param outputs: The session's raw outputs.
    :param values: The numbers behind the prediction, from the postprocessor.
    :param described: The prediction, ready for JSON.
    """

    sample: str
    outputs: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    described: Mapping[str, Any]


def collect(  # noqa: PLR0913 - an open app and what to run
    session: Session,
    pre: Preprocessor[Any],
    post: Postprocessor[Any],
    samples: Iterable[Sample],
    *,
    given: Sequence[Path] = (),
    keep: Path | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Run samples and return a record of them and the arrays as bytes, as ``unpack`` takes them.

    :param given: Files of feeds to run instead of the samples.
    :param keep: A folder to write a file of feeds into for each sample.
    :raises EngineError: Feeds do not fit, or the outputs are larger than a worker can send.
    """
    records: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    size = 0
    for index, (sample, feeds) in enumerate(_fed(pre, samples, given)):
        if keep is not None:
            write_feeds(keep / f"{index:04}{SUFFIX}", named(feeds, pre.inputs))
        record, parts = _one(sample, session.run(feeds), post)
        records.append(record)
        blocks += parts
        size += sum(map(len, parts))
        if size > BLOCK_LIMIT:
            taken = f"the outputs of {amount(index + 1, 'sample')} take {size} bytes"
            raise EngineError(f"{taken}; a worker can send at most {BLOCK_LIMIT}", hint="use fewer samples")
    return {"samples": records}, b"".join(blocks)


def keep_feeds(pre: Preprocessor[Any], samples: Iterable[Sample], folder: Path) -> int:
    """Write what a preprocessor makes of each sample into a folder, and return how many there are.

    :raises ProcessorError: There is none.
    """
    count = 0
    for count, sample in enumerate(samples, 1):
        write_feeds(folder / f"{count:06}{SUFFIX}", named(pre(sample), pre.inputs))
    if not count:
        raise ProcessorError("none of the samples can be used")
    return count


def unpack(answer: Mapping[str, Any], block: bytes) -> list[RawSample]:
    """Return the samples that ``collect`` ran; their arrays share the memory of ``block``.

    :raises ProtocolError: They are none.
    """
    reader = _Reader(block)
    try:
        return [
            RawSample(each["sample"], reader.take(each["outputs"]), reader.take(each["values"]), each["described"])
            for each in answer["samples"]
        ]
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"a worker sent a sample that is none: {type(error).__name__}: {error}") from error


def unpack_tensors(records: Sequence[Mapping[str, Any]], block: bytes) -> tuple[Tensor, ...]:
    """Return the packed tensors; their arrays share the memory of ``block``."""
    return _Reader(block).take(records)


def write_feeds(path: Path, tensors: Sequence[Tensor]) -> None:
    """Write the feeds of a session to a file."""
    records, parts = pack(tensors)
    path.write_bytes(json.dumps(records).encode() + b"\n" + b"".join(parts))


def read_feeds(path: Path) -> tuple[Tensor, ...]:
    """Return the feeds that ``write_feeds`` wrote."""
    header, _, block = path.read_bytes().partition(b"\n")
    return _Reader(block).take(json.loads(header))


def fitted(tensors: Sequence[Tensor], inputs: Sequence[TensorInfo]) -> Feeds:
    """Return feeds for a session, from tensors that were made for another session of the same model.

    :param inputs: The session's inputs, with alias and layout as the app states them.
    :raises EngineError: An input has no tensor, or its tensor has a different size.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    for info in inputs:
        if info.called not in by_name and not info.optional:
            raise EngineError(
                f'input "{info.name}" takes the tensor "{info.called}", which was not given',
                hint=nearest(info.called, by_name),
            )
    return {info.name: _fitted(by_name[info.called], info) for info in inputs if info.called in by_name}


def arranged(values: Any, layout: str, wanted: str) -> Any:
    """Return values in the layout ``wanted``; where a layout lacks N, the batch dimension of one is added or dropped.

    An empty layout means channels first: converters state a layout where they changed it.

    :raises EngineError: The layouts do not fit each other, or do not fit the values.
    """
    from lpbench.errors import LpbenchError
    from lpbench.util.layouts import in_layout  # imports numpy, needed only here

    layout, wanted = layout or plain_layout(wanted, values.ndim), wanted or plain_layout(layout, values.ndim)
    if layout.startswith("N") > wanted.startswith("N") and values.shape[:1] == (1,):
        layout, values = layout[1:], values[0]
    elif wanted.startswith("N") > layout.startswith("N"):
        layout, values = f"N{layout}", values[None]
    try:
        return in_layout(values, layout, wanted)
    except LpbenchError as error:
        raise EngineError(error.what) from error


def align_layout(values: Tensor, reference: Tensor) -> Any:
    """Return values in the reference's layout and with its dimensions of one, as far as the two fit each other."""
    shape = reference.values.shape
    try:
        placed = _placed(values.values, values.layout, reference.layout, shape)
    except EngineError:  # the comparison of shapes then reports the difference
        return values.values
    return placed.reshape(shape) if _bare(placed.shape) == _bare(shape) else placed


def _placed(values: Any, layout: str, wanted: str, shape: Sequence[int] | None) -> Any:
    """Return values in another layout.

    If one side states no layout and the values fit the shape only as they are, or have exactly that shape only as they
    are, they are returned unchanged: two engines may read the same file although only one of them reports its layout.

    :raises EngineError: The layouts do not fit each other, or do not fit the values.
    """
    if layout == wanted:
        return values
    if (layout and wanted) or shape is None or _bare(values.shape) != _bare(shape):
        return arranged(values, layout, wanted)
    try:
        moved = arranged(values, layout, wanted)
    except EngineError:
        return values
    exact = values.shape == tuple(shape) != moved.shape
    return moved if _bare(moved.shape) == _bare(shape) and not exact else values


def _bare(shape: Sequence[int]) -> list[int]:
    """Return a shape without dimensions of one."""
    return [size for size in shape if size != 1]


def plain_layout(layout: str, rank: int) -> str:
    """Return the default layout of values without a stated one, given the other side's layout: channels first."""
    first = f"C{layout.replace('N', '').replace('C', '')}" if "C" in layout else layout.replace("N", "")
    return f"N{first}" if rank > len(first) else first


def _fed(pre: Preprocessor[Any], samples: Iterable[Sample], given: Sequence[Path]) -> Iterator[tuple[Sample, Feeds]]:
    if not given:
        for sample in samples:
            yield sample, pre(sample)
    for path in given:
        yield Sample(path.stem, None), fitted(read_feeds(path), pre.inputs)


def _fitted(tensor: Tensor, info: TensorInfo) -> Any:
    import numpy as np

    sizes = [size for size in info.shape if isinstance(size, int)]
    shape = sizes if len(sizes) == len(info.shape) else None
    values = _placed(tensor.values, tensor.layout, info.layout, shape)
    if info.dtype in narrow_floats.BITS:
        values = narrow_floats.encoded(values, info.dtype)
    elif info.dtype not in {"str", values.dtype.name}:
        values = values.astype(info.dtype)
    if shape is not None and _bare(values.shape) == _bare(shape):
        values = values.reshape(shape)  # this engine has no batch dimension of one
    return np.ascontiguousarray(values)


def _one(sample: Sample, outputs: Outputs, post: Postprocessor[Any]) -> tuple[dict[str, Any], list[bytes]]:
    by_name, by_alias = ({getattr(info, key): info for info in post.outputs} for key in ("name", "called"))
    raw, parts = pack(results(outputs, by_name))  # first: the postprocessor might run the session again
    values, more = pack(results(post.values(outputs, sample), by_alias))
    described = dict(post.describe(post(outputs, sample)))
    return {"sample": sample.name, "outputs": raw, "values": values, "described": described}, [*parts, *more]


def pack(tensors: Sequence[Tensor]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Return a record of each tensor, and the values of each as bytes."""
    import numpy as np

    records, parts = [], []
    for tensor in tensors:
        array = np.asarray(tensor.values)
        if array.dtype.isbuiltin == ADDED:
            array = array.astype(np.float32)
        elif array.dtype.kind in TEXTS:
            array = array.astype("U")
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        if not isinstance(tensor.name, str):
            raise EngineError(f"an output is called {brief(tensor.name)}; expected text")
        dtype = array.dtype.str
        record = {"name": tensor.name, "layout": tensor.layout, "dtype": dtype, "shape": list(array.shape)}
        records.append({**record, "step": tensor.step} if tensor.step else record)
        parts.append(array.tobytes())
    return records, parts


class _Reader:
    """Reads arrays from a block one after the other."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    def take(self, records: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
        return tuple(self._tensor(each) for each in records)

    def _tensor(self, record: Mapping[str, Any]) -> Tensor:
        try:
            name, layout, step = (dataclass_config.convert(kind, record.get(key, 0.0)) for key, kind in FIELDS.items())
        except (AttributeError, ConfigError) as error:
            raise ProtocolError(f"a worker sent a tensor that is none: {brief(record, SHOWN)}: {error}") from error
        return Tensor(name, layout, self._array(record), step)

    def _array(self, record: Mapping[str, Any]) -> Any:
        import numpy as np

        try:
            dtype, shape = np.dtype(record["dtype"]), record["shape"]
            count = _count(dtype, shape)
            filled = count and dtype.itemsize
            array = np.frombuffer(self._block, dtype, count, self._at) if filled else np.zeros(0, dtype)
            self._at += count * dtype.itemsize
            return array.reshape(shape) if array.size == count else np.zeros(shape, dtype)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ProtocolError(f"a worker sent a tensor that is none: {brief(record, SHOWN)}: {error}") from error


def _count(dtype: np.dtype[Any], shape: Any) -> int:
    """Return how many values an array has.

    :raises ValueError: The shape is none, or nothing bounds what it claims.
    """
    if not is_shape(shape):
        raise ValueError("its shape is none")
    count: int = math.prod(shape)
    if not dtype.itemsize and count > EMPTY:
        raise ValueError(f"it has {count} empty values")
    return count
