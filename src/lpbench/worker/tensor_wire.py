"""Everything that a session puts out for some samples, as bytes: what engines and conversions are compared by.

In the worker ``collect`` runs the samples; in the parent ``unpack`` returns their arrays.  What
went into the session can be kept in files and handed to another one, which gets it in its own
order of dimensions: two sessions see the same numbers whatever their preprocessors do.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import EngineError, nearest
from lpbench.plugin.processor import Sample
from lpbench.worker.protocol import BLOCK_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, Session, TensorInfo
    from lpbench.plugin.processor import Postprocessor, Preprocessor

SUFFIX = ".feeds"
TEXTS = "OSU"
"""Kinds of numpy's arrays of texts, which travel as fixed-width Unicode."""
BFLOAT16 = "bfloat16"
"""Not a type of numpy's own: its bits travel as ``uint16`` where nobody brings the type."""


@dataclass(frozen=True)
class Tensor:
    """An array with the name that the app uses for it.

    :param layout: Order of the dimensions, ``NCHW`` say; empty where it is not known.
    :param values: A numpy array.
    """

    name: str
    layout: str
    values: Any


@dataclass(frozen=True)
class RawSample:
    """What came of one sample.

    :param outputs: The session's outputs as they are.
    :param values: What the postprocessor says of the numbers behind its prediction, without layouts.
    :param described: Its prediction, ready for JSON.
    """

    sample: str
    outputs: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    described: Mapping[str, Any]


def collect(  # noqa: PLR0913 - an open app, and what it is asked
    session: Session,
    pre: Preprocessor[Any],
    post: Postprocessor[Any],
    samples: Iterable[Sample],
    *,
    given: Sequence[Path] = (),
    keep: Path | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Run samples and return a record of them, and the arrays as bytes: what ``unpack`` takes.

    :param given: Files of feeds to run instead of the samples.
    :param keep: A folder that gets a file of feeds for each sample.
    :raises EngineError: Feeds do not fit, or the outputs take more than a worker can send.
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
            raise EngineError(
                f"the outputs of {index + 1} samples take {size} bytes; a worker sends {BLOCK_LIMIT} at most",
                hint="take fewer samples",
            )
    return {"samples": records}, b"".join(blocks)


def unpack(answer: Mapping[str, Any], block: bytes) -> list[RawSample]:
    """Return what ``collect`` found; its arrays share the memory of ``block``."""
    reader = _Reader(block)
    return [
        RawSample(each["sample"], reader.take(each["outputs"]), reader.take(each["values"]), each["described"])
        for each in answer["samples"]
    ]


def unpack_tensors(records: Sequence[Mapping[str, Any]], block: bytes) -> tuple[Tensor, ...]:
    """Return the tensors that were packed; their arrays share the memory of ``block``."""
    return _Reader(block).take(records)


def write_feeds(path: Path, tensors: Sequence[Tensor]) -> None:
    """Write what goes into a session."""
    records, parts = pack(tensors)
    path.write_bytes(json.dumps(records).encode() + b"\n" + b"".join(parts))


def read_feeds(path: Path) -> tuple[Tensor, ...]:
    """Return what ``write_feeds`` wrote."""
    header, _, block = path.read_bytes().partition(b"\n")
    return _Reader(block).take(json.loads(header))


def fitted(tensors: Sequence[Tensor], inputs: Sequence[TensorInfo]) -> Feeds:
    """Return feeds for a session of tensors that were made for another one of the same model.

    :param inputs: The session's, with alias and layout as the app states them.
    :raises EngineError: An input has no tensor, or one of another size.
    """
    by_name = {each.name: each for each in tensors}
    for each in inputs:
        if each.called not in by_name:
            raise EngineError(
                f'input "{each.name}" is called "{each.called}", which the source has no input for',
                hint=nearest(each.called, by_name),
            )
    return {each.name: _fitted(by_name[each.called], each) for each in inputs}


def arranged(values: Any, layout: str, wanted: str) -> Any:
    """Return values in another order of dimensions; a layout without N has no batch, which is of one then.

    A side that states no layout has its channels second: converters state a layout where they changed it.

    :raises EngineError: The layouts do not fit each other or the values.
    """
    from lpbench.errors import LpbenchError
    from lpbench.util.layouts import in_layout  # a package with numpy behind it, needed only here

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
    """Return values in the reference's order of dimensions and with its dimensions of one, as far as they have them."""
    shape = reference.values.shape
    try:
        found = _placed(values.values, values.layout, reference.layout, shape)
    except EngineError:  # the shape says what is wrong
        return values.values
    return found.reshape(shape) if _bare(found.shape) == _bare(shape) else found


def _placed(values: Any, layout: str, wanted: str, shape: Sequence[int] | None) -> Any:
    """Return values in another order of dimensions.

    Where one side states none and the values fit the shape as they are and not otherwise, they are left: two engines
    may read one file of which only one of them says the order.

    :raises EngineError: The layouts do not fit each other or the values.
    """
    if layout == wanted:
        return values
    if (layout and wanted) or shape is None or _bare(values.shape) != _bare(shape):
        return arranged(values, layout, wanted)
    try:
        moved = arranged(values, layout, wanted)
    except EngineError:
        return values
    return moved if _bare(moved.shape) == _bare(shape) else values


def _bare(shape: Sequence[int]) -> list[int]:
    """Return a shape without its dimensions of one."""
    return [size for size in shape if size != 1]


def plain_layout(layout: str, rank: int) -> str:
    """Return the layout of values of which nothing is stated, beside one that has a layout: channels first."""
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

    sizes = [each for each in info.shape if isinstance(each, int)]
    shape = sizes if len(sizes) == len(info.shape) else None
    values = _placed(tensor.values, tensor.layout, info.layout, shape)
    if info.dtype not in {"str", BFLOAT16, values.dtype.name}:
        values = values.astype(info.dtype)
    if shape is not None and _bare(values.shape) == _bare(shape):
        values = values.reshape(shape)  # a batch of one that this engine does not know
    return np.ascontiguousarray(values)


def _one(sample: Sample, outputs: Outputs, post: Postprocessor[Any]) -> tuple[dict[str, Any], list[bytes]]:
    raw, parts = pack(named(outputs, post.outputs))  # before anything that could run the session again
    numbers = [Tensor(name, "", each) for name, each in post.values(outputs, sample).items()]
    values, more = pack(numbers)
    described = dict(post.describe(post(outputs, sample)))
    return {"sample": sample.name, "outputs": raw, "values": values, "described": described}, [*parts, *more]


def named(arrays: Mapping[str, Any], infos: Sequence[TensorInfo]) -> list[Tensor]:
    """Return arrays under the names of the app; those that nobody described keep their own."""
    known = {each.name: each for each in infos}
    called = ((known[name].called, known[name].layout) if name in known else (name, "") for name in arrays)
    return [Tensor(name, layout, array) for (name, layout), array in zip(called, arrays.values(), strict=True)]


def pack(tensors: Sequence[Tensor]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Return a record of each tensor, and its values as bytes."""
    import numpy as np

    records, parts = [], []
    for each in tensors:
        array = np.asarray(each.values)
        if array.dtype.name == BFLOAT16:
            array = array.astype(np.float32)
        elif array.dtype.kind in TEXTS:
            array = array.astype("U")
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        records.append({"name": each.name, "layout": each.layout, "dtype": array.dtype.str, "shape": list(array.shape)})
        parts.append(array.tobytes())
    return records, parts


class _Reader:
    """Takes arrays out of a block one after the other."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    def take(self, records: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
        return tuple(Tensor(each["name"], each["layout"], self._array(each)) for each in records)

    def _array(self, record: Mapping[str, Any]) -> Any:
        import numpy as np

        dtype, shape = np.dtype(record["dtype"]), record["shape"]
        count = math.prod(shape)
        array = np.frombuffer(self._block, dtype, count, self._at) if count and dtype.itemsize else np.zeros(0, dtype)
        self._at += count * dtype.itemsize
        return array.reshape(shape) if array.size == count else np.zeros(shape, dtype)
