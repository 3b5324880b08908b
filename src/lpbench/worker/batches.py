"""Batches: one inference of several samples, whose outputs are cut into those of each.

An output can be cut only if its first dimension is the batch.  What the engine says of its shapes decides that before
anything is measured; where that is not enough, a batch of equal samples is run beside one sample.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any

from lpbench.errors import EngineError, LpbenchError, setting
from lpbench.plugin.builtin.synthetic import synthetic
from lpbench.plugin.kit.feed_checks import text
from lpbench.worker.pipeline import Single

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Feeds, Outputs, Session, TensorInfo
    from lpbench.plugin.processor import Sample
    from lpbench.worker.pipeline import OpenComponent

NEAR = 0.05
"""Absolute and relative difference between the answers to equal samples in one batch; numbers of rows differ by 1."""


class Batches(Single):
    """One component whose model runs several samples in one inference; a lot is a list of ``batch`` samples.

    :param part: Its session takes ``batch`` samples; its processors were built for one sample.
    """

    def __init__(self, part: OpenComponent, batch: int) -> None:
        super().__init__(part)
        self.batch = batch
        self._whole = (batch,)
        self._one_pre, self._one_post = part.pre, part.post
        self._pre, self._post = self._stack, self._each  # type: ignore[assignment] # of lots instead of samples
        self._buffers: dict[str, Any] = {}

    def predictions(self, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        """Yield each sample's prediction; the last lot is filled up with copies of its first sample."""
        rest = iter(samples)
        while lot := list(itertools.islice(rest, self.batch)):
            full = [*lot, *[lot[0]] * (self.batch - len(lot))]
            predictions = self._each(self._run(self._stack(full)), full)
            yield from (dict(self._one_post.describe(each)) for each in predictions[: len(lot)])

    def _stack(self, lot: Sequence[Sample]) -> Feeds:
        for index, sample in enumerate(lot):
            for name, values in self._one_pre(sample).items():
                buffer = self._buffers.get(name)
                if buffer is None:
                    buffer = self._make(name, values)
                buffer[index] = values[0]
        return self._buffers

    def _make(self, name: str, values: Any) -> Any:
        """Return a buffer for a batch of one input.

        :raises EngineError: The input has no batch dimension.
        """
        import numpy as np  # every engine plugin that supports batches depends on it

        if values.shape[:1] != (1,):
            raise EngineError(
                f'input "{name}" {list(values.shape)} has no batch dimension', hint=f"omit {setting('batch')}"
            )
        self._buffers[name] = np.empty((self.batch, *values.shape[1:]), values.dtype)
        return self._buffers[name]

    def _each(self, outputs: Outputs, lot: Sequence[Sample]) -> list[Any]:
        for name, values in outputs.items():  # sizes that depend on the values are another with every lot
            if getattr(values, "shape", ())[:1] != self._whole:
                raise _shared(name, f"{_shape(values)} for a batch of {self.batch}")
        post = self._one_post
        return [
            post({name: values[index : index + 1] for name, values in outputs.items()}, sample)
            for index, sample in enumerate(lot)
        ]


def undecided(one: Sequence[TensorInfo], several: Sequence[TensorInfo], batch: int) -> bool:
    """Return whether shapes alone do not tell of every output that its first dimension is the batch.

    :param one: The outputs of a session for one sample, or for any number.
    :param several: The outputs of a session for ``batch`` samples.
    :raises EngineError: They tell of an output that it is not.
    """
    before = {info.name: info.shape for info in one}
    open_ones = [_undecided(info, before.get(info.name, ()), batch) for info in several]  # all: each may be refused
    return any(open_ones)


def refuse_shared(one: Session, several: Session, shapes: Mapping[str, Sequence[int]], batch: int) -> None:
    """Refuse outputs that do not have a row for each sample, by running one sample and a batch of its copies.

    :param one: A session that takes one sample.
    :param several: A session that takes ``batch`` samples.
    :param shapes: Of one sample, by the names of the inputs.
    :raises EngineError: Naming the output.
    """
    import numpy as np

    try:
        feeds = {info.name: _values(info, shapes[info.name]) for info in one.inputs}
        copies = {name: np.repeat(values, batch, axis=0) for name, values in feeds.items()}
        single = {name: _kept(values) for name, values in one.run(feeds).items()}
        whole = several.run(copies)
    except LpbenchError:  # the model does not take made-up values: every batch is looked at when it is measured
        return
    for name, values in whole.items():
        expected = single[name]
        shape = getattr(expected, "shape", ())
        if shape[:1] != (1,) or getattr(values, "shape", ()) != (batch, *shape[1:]):
            raise _shared(name, f"{_shape(expected)} for one sample, {_shape(values)} for {batch}")
        if values.dtype.kind in "biuf" and not np.allclose(values, expected, NEAR, NEAR, equal_nan=True):
            raise _shared(name, f"of {batch} equal samples it gives rows that differ")


def _undecided(info: TensorInfo, before: Sequence[int | str | None], batch: int) -> bool:
    if not info.shape or not isinstance(info.shape[0], int):  # without a shape it is a scalar, or the rank is unknown
        return True
    first = before[0] if before and isinstance(before[0], int) else 1
    if (first, info.shape[0]) != (1, batch):
        raise _shared(info.name, f"{text(before)} for one sample, {text(info.shape)} for {batch}")
    return False


def _values(info: TensorInfo, shape: Sequence[int]) -> Any:
    return synthetic(info.dtype, tuple(shape), [0, zlib.crc32(info.name.encode())], None)


def _kept(values: Any) -> Any:
    """Return outputs that the next run does not overwrite."""
    return values.copy() if hasattr(values, "shape") else values


def _shape(values: Any) -> str:
    shape = getattr(values, "shape", None)
    return f"a {type(values).__name__}" if shape is None else text(shape)


def _shared(name: str, found: str) -> EngineError:
    return EngineError(f'output "{name}" does not have one row for each sample: {found}', hint=_remedy())


def _remedy() -> str:
    return f"omit {setting('batch')}, or export the model with the batch as the first dimension of every output"
