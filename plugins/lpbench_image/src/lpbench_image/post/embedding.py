"""The postprocessor ``embedding``: a unit vector, and its matches in a gallery."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.kit.npy_files import MAGIC, read_archive, read_header
from lpbench.plugin.kit.untrusted import open_regular
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


@dataclass(slots=True, eq=False)
class Matched(Embedding):
    """A vector and its matches, the most similar first.

    :param indices: int64: indices of the names in the gallery.
    :param scores: float32: the cosine of each match.
    """

    indices: npt.NDArray[np.int64]
    scores: Floats


@dataclass(frozen=True, eq=False)
class Gallery:
    """Known vectors.

    :param names: Their names, in the order of the file.
    :param vectors: ``(n, d)`` float32, each of length 1.
    """

    names: tuple[str, ...]
    vectors: Floats


class Vector(Postprocessor[EmbeddingConfig]):
    """Reads one vector and normalises its length."""

    def __init__(self, config: EmbeddingConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self._read = Reader(config.output, outputs, "output", (-1,))
        self.gallery = read_gallery(Path(config.gallery.file)) if config.gallery else None
        if not self._read.info.dynamic:
            self._check(math.prod(self._read.info.shape))  # type: ignore[arg-type] # none is dynamic

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Embedding:
        """Return the unit vector; with a gallery, as a ``Matched``.

        :raises ProcessorError: A value is not finite, or all are 0.
        """
        values = self._read(outputs, sample)
        exact = values.astype(np.float64)  # squares may exceed the range of float32
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
        described: dict[str, Any] = {"embedding": prediction.vector.tolist()}
        if self.gallery is None or not isinstance(prediction, Matched):
            return described
        names = self.gallery.names
        pairs = zip(prediction.indices.tolist(), prediction.scores.tolist(), strict=True)
        return {**described, "top": [{"label": names[at], "index": at, "score": score} for at, score in pairs]}

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
    """Return the vectors of an ``.npz`` file, scaled to length 1.

    :raises ProcessorError: The file cannot be read, is empty, or holds an array that is not a suitable vector.
    """
    vectors = _arrays(file)
    if not vectors:
        raise ProcessorError(
            "the gallery is empty", where=file.name, hint="numpy.savez(file, name=vector, ...) writes one"
        )
    first = next(iter(vectors.values())).shape
    for name, vector in vectors.items():
        if vector.ndim != 1 or vector.shape != first or vector.dtype.kind not in "iuf":
            raise ProcessorError(
                f'"{name}" is {vector.dtype} {list(vector.shape)}; expected a vector as long as the first, {first}',
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
    with open_regular(file, error=ProcessorError) as stream:
        single, size = stream.read(len(MAGIC)) == MAGIC, file.stat().st_size
        stream.seek(0)
        try:
            if not single:
                return read_archive(stream, size)
            read_header(stream, size)
        except (MemoryError, OSError, ValueError) as error:
            what = f"cannot be read: {error or 'it does not fit into memory'}"
            raise ProcessorError(what, where=file.name) from error
    raise ProcessorError(
        "holds one array without a name, as .npy files do",
        where=file.name,
        hint="numpy.savez(file, name=vector, ...) writes a gallery",
    )
