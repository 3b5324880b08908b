"""The samples that an app is measured with: read outside the timed region, a bounded number ahead."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, ProcessorError
from lpbench.plugin.processor import Preprocessor, Sample
from lpbench.util.regular_files import irregular
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds

KEEP_BYTES = 256 << 20
"""Decoded samples are kept up to this size; beyond it they are decoded again on every cycle."""
AHEAD = 32
"""Samples decoded ahead if not all of them are kept."""
GENERATED = 4
"""Distinct samples that are generated if there are no files."""


def load(preprocessor: Preprocessor[Any], path: Path) -> Sample:
    """Return a file as a sample; what is no regular file is refused, since reading a pipe might never end.

    :raises ProcessorError: The file cannot be used.
    """
    if kind := irregular(path):
        raise ProcessorError(f"is {kind}, not a file", where=str(path))
    return preprocessor.load(path)


class Samples:
    """Cycles through files, or through synthetic samples if there are no files.

    A file that cannot be decoded or preprocessed is recorded in ``problems`` and left out.

    :param preprocessor: Loads files and generates samples.
    :param paths: Files, in the order of measuring; empty for synthetic samples.
    """

    def __init__(self, preprocessor: Preprocessor[Any], paths: Sequence[Path], *, seed: int) -> None:
        self.problems: dict[str, str] = {}
        self._preprocessor = preprocessor
        self._paths = list(paths)
        self._seed = seed
        self._at = 0
        self._kept: dict[int, Sample] = {}
        self._bytes = 0
        self._bad: set[int] = set()
        self._good: set[int] = set()
        self._generated = not paths

    def take(self, count: int) -> list[Sample]:
        """Return the next samples: ``count`` if all samples are kept, else fewer, since they must be decoded ahead.

        :raises ProcessorError: No usable sample is left.
        """
        first = self._next()
        taken = [first]
        while len(taken) < count and (len(taken) < AHEAD or self._all_kept()):
            taken.append(self._next())
        return taken

    def batches(self, count: int, batch: int) -> list[list[Sample]]:
        """Return the next lots of ``batch`` samples: ``count`` if all samples are kept, else fewer, at least one.

        :raises ProcessorError: No usable sample is left.
        """
        lots = [self._lot(batch)]
        while len(lots) < count and (len(lots) * batch < AHEAD or self._all_kept()):
            lots.append(self._lot(batch))
        return lots

    def _lot(self, batch: int) -> list[Sample]:
        return [self._next() for _ in range(batch)]

    def at(self, index: int) -> Sample | None:
        """Return one sample by its number, or None if it cannot be used."""
        return self._get(index)

    def each(self, limit: int) -> Iterator[Sample]:
        """Yield each usable sample once, at most ``limit``."""
        for index in range(min(limit, self._size())):
            if (sample := self._get(index)) is not None:
                yield sample

    def _size(self) -> int:
        return GENERATED if self._generated else len(self._paths)

    def _all_kept(self) -> bool:
        return len(self._kept) + len(self._bad) == self._size()

    def _next(self) -> Sample:
        while len(self._bad) < self._size():
            index = self._at % self._size()
            self._at += 1
            if (sample := self._get(index)) is not None:
                return sample
        first = next(iter(self.problems.values()), "")
        raise ProcessorError(f"none of {amount(self._size(), 'sample')} can be used", hint=f"the first: {first}")

    def _get(self, index: int) -> Sample | None:
        if index in self._bad:
            return None
        if index in self._kept:
            return self._kept[index]
        try:
            sample = self._make(index)
            if index not in self._good:
                self._preprocessor(sample)  # fails here rather than inside the timed region
        except LpbenchError as error:
            if self._generated:
                raise
            self._bad.add(index)
            self.problems[self._paths[index].name] = str(error)
            return None
        self._good.add(index)
        self._remember(index, sample)
        return sample

    def _make(self, index: int) -> Sample:
        if self._generated:
            return self._preprocessor.generate(index, self._seed)
        return load(self._preprocessor, self._paths[index])

    def _remember(self, index: int, sample: Sample) -> None:
        size = _size_of(sample.data)
        if self._bytes + size <= KEEP_BYTES:
            self._kept[index] = sample
            self._bytes += size


class InRegion(Preprocessor[Any]):
    """A preprocessor that decodes inside the timed region, for apps that ask for it (``decode_in_region``)."""

    def __init__(self, preprocessor: Preprocessor[Any]) -> None:
        super().__init__(preprocessor.config, preprocessor.inputs)
        self._preprocessor = preprocessor

    def load(self, path: Path) -> Sample:
        """Return the path as a sample."""
        return Sample(path.name, path)

    def __call__(self, sample: Sample, /) -> Feeds:
        """Decode and preprocess."""
        decoded = self._preprocessor.load(sample.data)
        feeds = self._preprocessor(decoded)
        sample.geometry = decoded.geometry
        return feeds


def _size_of(data: Any) -> int:
    if isinstance(data, dict):
        return sum(map(_size_of, data.values()))
    with contextlib.suppress(AttributeError):
        return int(data.nbytes)
    return 0
