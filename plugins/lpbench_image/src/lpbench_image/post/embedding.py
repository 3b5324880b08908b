"""A vector for each thing, and who of a gallery has one like it."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import best
from lpbench_image.found import Embedding
from lpbench_image.post._reading import Reader
from lpbench_image.post.config import EmbeddingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo

    Floats = npt.NDArray[np.float32]

BROKEN = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError)
"""What numpy raises where a file is not what it says."""


@dataclass(slots=True, eq=False)
class Matched(Embedding):
    """A vector and what is like it, the most alike first.

    :param indices: int64, into the gallery's names.
    :param scores: float32, as many: the cosines.
    """

    indices: npt.NDArray[np.int64]
    scores: Floats


@dataclass(frozen=True, eq=False)
class Gallery:
    """What is known.

    :param names: As they stand in the file.
    :param vectors: ``(n, d)`` float32, each of length 1.
    """

    names: tuple[str, ...]
    vectors: Floats


class Vector(Postprocessor[EmbeddingConfig]):
    """Takes one vector, whose direction counts and whose length does not."""

    def __init__(self, config: EmbeddingConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self._read = Reader(config.output, outputs, "output", (-1,))
        self.gallery = read_gallery(Path(config.gallery.file)) if config.gallery else None
        if not self._read.info.dynamic:
            self._check(math.prod(self._read.info.shape))  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Embedding:
        """Return the unit vector, and with a gallery the ``Matched``.

        :raises ProcessorError: A value is not finite, or all are 0.
        """
        values = self._read(outputs, sample)
        exact = values.astype(np.float64)  # squares may be beyond float32
        length = math.sqrt(exact.dot(exact))
        if not length:
            raise ProcessorError(
                f'output "{self._read.info.called}" is a vector of length 0, which has no direction', where=sample.name
            )
        vector = (exact / length).astype(np.float32)
        if self.gallery is None:
            return Embedding(vector)
        self._check(vector.size)
        cosines = self.gallery.vectors @ vector
        indices = best(cosines, self.config.top_k)
        indices = indices[cosines[indices] >= self.config.threshold]
        return Matched(vector, indices, cosines[indices])

    def describe(self, prediction: Embedding, /) -> Mapping[str, Any]:
        """Return ``{"embedding": [...]}``, and with a gallery ``"top": [{"label", "index", "score"}, ...]``."""
        found: dict[str, Any] = {"embedding": prediction.vector.tolist()}
        if self.gallery is None or not isinstance(prediction, Matched):
            return found
        pairs = zip(prediction.indices.tolist(), prediction.scores.tolist(), strict=True)
        return {**found, "top": [{"label": self.gallery.names[at], "index": at, "score": each} for at, each in pairs]}

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``embedding``, ``(d,)``, of length 1."""
        return {"embedding": self(outputs, sample).vector}

    def _check(self, size: int) -> None:
        if self.gallery is None or self.gallery.vectors.shape[1] == size:
            return
        raise ProcessorError(
            f"the gallery's vectors have {self.gallery.vectors.shape[1]} numbers, the model's {size}",
            where="postprocessing.gallery",
            hint="make the gallery with this model",
        )


def read_gallery(file: Path) -> Gallery:
    """Return the vectors of an ``.npz`` file, made as long as 1.

    :raises ProcessorError: It cannot be read, is empty, or holds what is no vector.
    """
    vectors = _arrays(file)
    if not vectors:
        raise ProcessorError(
            "the gallery is empty", where=file.name, hint="numpy.savez(file, name=vector, ...) writes one"
        )
    wanted = next(iter(vectors.values())).shape
    for name, vector in vectors.items():
        if vector.ndim != 1 or vector.shape != wanted or vector.dtype.kind not in "iuf":
            raise ProcessorError(
                f'"{name}" is {vector.dtype} {list(vector.shape)}; expected a vector as long as the first, {wanted}',
                where=file.name,
            )
    stacked = np.array(list(vectors.values()), np.float64)
    lengths = np.linalg.norm(stacked, axis=1)
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if wrong.size:
        raise ProcessorError(
            f'"{list(vectors)[wrong[0]]}" is a vector of length {lengths[wrong[0]]}, which has no direction',
            where=file.name,
        )
    return Gallery(tuple(vectors), (stacked / lengths[:, None]).astype(np.float32))


def _arrays(file: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        opened = np.load(file, allow_pickle=False)
        if not isinstance(opened, np.ndarray):
            with opened:
                return {name: opened[name] for name in opened.files}
    except BROKEN as error:
        raise ProcessorError(f"cannot be read: {error}", where=file.name) from error
    raise ProcessorError(
        "is one array without a name, as .npy files hold",
        where=file.name,
        hint="numpy.savez(file, name=vector, ...) writes a gallery",
    )
