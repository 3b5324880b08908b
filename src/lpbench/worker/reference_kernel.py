"""The yardstick: a fixed reference kernel that every result is also measured against.

The speed of a shared or throttling machine changes from minute to minute, and the kernel's
with it, so latency in units of the kernel drifts far less than latency in milliseconds.
This holds as far as the kernel and a network slow down for the same reasons.  Most of a unit
is a single-precision matrix product with the shape of a convolution, whose operands fit the
last-level cache only; the rest adds to an array larger than most caches.  With several
threads the unit also has a chain of small products, each of which needs results that other
threads wrote in the one before, as the layers of a network do.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Feeds, Outputs, Session
from lpbench.plugin.processor import Postprocessor, Preprocessor, ProcessorError, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 2
"""Units of different versions are not comparable."""
PRODUCT = (64, 512, 3072)
"""Rows, depth and columns: filters, values that a filter covers, and positions."""
STREAM = 1 << 23
"""Elements of the array, four bytes each."""
PARTS = 2
"""The array is divided into this many parts; each unit adds to the next one."""
LINKS = 24
"""Pairs of products in the chain: forward and back."""
LINK = (128, 256)
"""Rows and columns of the matrix that the products of the chain pass on."""
DROPPED = ("OPENBLAS_", "OMP_", "MKL_", "BLIS_", "GOTO_")
"""Environment variables with these prefixes change the kernel; its worker does not get them."""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads: int) -> dict[str, str]:
    """Return the environment variables that set the kernel's threads; they must be set before numpy is imported."""
    return dict.fromkeys(THREADS, str(threads))


class Yardstick(Session):
    """The kernel in place of a model: one ``run`` is one unit.

    :param threads: The number passed to ``environment``; units of different numbers are not comparable.
    """

    def __init__(self, threads: int = 1) -> None:
        import numpy as np  # every engine plugin depends on it, the core does not

        self._threads = threads
        self.inputs = self.outputs = ()
        rng = np.random.default_rng(0)
        rows, depth, columns = PRODUCT
        self._filters, self._values = (rng.random(shape, np.float32) for shape in ((rows, depth), (depth, columns)))
        self._product = np.empty((rows, columns), np.float32)
        self._parts = np.ones((PARTS, STREAM // PARTS), np.float32)
        self._part = 0
        rotation, _ = np.linalg.qr(rng.standard_normal((LINK[0], LINK[0])))  # keeps lengths: values stay finite
        self._rotations = [np.ascontiguousarray(matrix, np.float32) for matrix in (rotation, rotation.T)]
        self._links = [rng.random(LINK, np.float32) for _ in self._rotations]
        self._dot, self._add = np.dot, np.add

    def run(self, feeds: Feeds, /) -> Outputs:
        """Do one unit of work."""
        dot, part = self._dot, self._parts[self._part]
        self._part = (self._part + 1) % PARTS
        dot(self._filters, self._values, out=self._product)
        self._add(part, 1, out=part)
        if self._threads > 1:
            (forward, back), (first, second) = self._rotations, self._links
            for _ in range(LINKS):
                dot(forward, first, out=second)
                dot(back, second, out=first)
        return feeds

    def close(self) -> None:
        """Do nothing: the kernel holds no resources."""

    def describe(self) -> Mapping[str, Any]:
        """Return the facts that must be equal for the units of two results to be comparable."""
        import numpy as np

        return {"version": VERSION, "threads": self._threads, "numpy": np.__version__, "blas": blas()}


class Feed(Preprocessor[None]):
    """Feeds the kernel, which needs no inputs."""

    def load(self, path: Path) -> Sample:
        """Refuse: the kernel does not read files.

        :raises ProcessorError: Always.
        """
        raise ProcessorError("the yardstick does not read samples", where=str(path))

    def generate(self, index: int, seed: int) -> Sample:
        """Return an empty sample."""
        return Sample("", {})

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the sample's empty feeds."""
        feeds: Feeds = sample.data
        return feeds


class Discard(Postprocessor[None]):
    """Discards the kernel's outputs."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> None:
        """Predict nothing."""

    def describe(self, prediction: None, /) -> Mapping[str, Any]:
        """Return nothing."""
        return {}


def blas() -> str:
    """Return the BLAS that numpy has loaded and the processor type that it chose, as far as it reports them."""
    for path in _loaded("openblas"):
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_get_config64_", "openblas_get_config64_", "openblas_get_config"):
            config = getattr(library, name, None)
            if config is not None:
                config.restype = ctypes.c_char_p
                return " ".join(str(config().decode(errors="replace")).split())
    return "not OpenBLAS"


def _loaded(word: str) -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[-1] for line in lines if word in line}
    return sorted(path for path in paths if path.startswith("/"))
