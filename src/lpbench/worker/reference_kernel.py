"""A fixed kernel that every result is also measured against: the yardstick.

A shared or throttling machine changes its speed from minute to minute, and the kernel's
with it, so latency in units of the kernel drifts far less than latency in milliseconds.
It does so as far as the kernel suffers from the same things as a network.  Most of a unit
is a single-precision matrix product of the shape of a convolution, whose operands fit the
last cache only; the rest adds to an array larger than most caches.  With several threads
a chain of small products comes to these, each of which needs what the other threads wrote
in the one before, as the layers of a network do.
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
"""Units of different versions do not compare."""
PRODUCT = (64, 512, 3072)
"""Rows, depth and columns: filters, what a filter looks at, and places."""
STREAM = 1 << 23
"""Numbers of the array, four bytes each."""
PARTS = 2
"""One unit adds to one of so many parts of it, in turn."""
LINKS = 24
"""Pairs of products in the chain: forth and back."""
LINK = (128, 256)
"""Rows and columns of what is handed on."""
DROPPED = ("OPENBLAS_", "OMP_", "MKL_", "BLIS_", "GOTO_")
"""Variables with these beginnings change the kernel; its worker does not see them."""
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads: int) -> dict[str, str]:
    """Return the variables by which the kernel gets its threads; they must be set before numpy is imported."""
    return dict.fromkeys(THREADS, str(threads))


class Yardstick(Session):
    """The kernel in the place of a model: one ``run`` is one unit.

    :param threads: That ``environment`` was made for; units of another number do not compare.
    """

    def __init__(self, threads: int = 1) -> None:
        import numpy as np  # every engine plugin brings it; the core does without

        self._threads = threads
        self.inputs = self.outputs = ()
        rng = np.random.default_rng(0)
        rows, depth, columns = PRODUCT
        self._filters, self._values = (rng.random(shape, np.float32) for shape in ((rows, depth), (depth, columns)))
        self._product = np.empty((rows, columns), np.float32)
        self._parts = np.ones((PARTS, STREAM // PARTS), np.float32)
        self._part = 0
        turn, _ = np.linalg.qr(rng.standard_normal((LINK[0], LINK[0])))  # keeps lengths: the numbers stay numbers
        self._turns = [np.ascontiguousarray(each, np.float32) for each in (turn, turn.T)]
        self._links = [rng.random(LINK, np.float32) for _ in self._turns]
        self._dot, self._add = np.dot, np.add

    def run(self, feeds: Feeds, /) -> Outputs:
        """Do one unit of work."""
        dot, part = self._dot, self._parts[self._part]
        self._part = (self._part + 1) % PARTS
        dot(self._filters, self._values, out=self._product)
        self._add(part, 1, out=part)
        if self._threads > 1:
            (forth, back), (first, second) = self._turns, self._links
            for _ in range(LINKS):
                dot(forth, first, out=second)
                dot(back, second, out=first)
        return feeds

    def close(self) -> None:
        """Hold nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Return what must be equal before two results' units are compared."""
        import numpy as np

        kernel = _kernel()
        return {"version": VERSION, "threads": self._threads, "numpy": np.__version__, "blas": kernel}


class Feed(Preprocessor[None]):
    """Feeds the kernel, which needs nothing."""

    def load(self, path: Path) -> Sample:
        """Refuse: the kernel reads no files."""
        raise ProcessorError("the yardstick reads no samples", where=str(path))

    def generate(self, index: int, seed: int) -> Sample:
        """Return an empty sample."""
        return Sample("", {})

    def __call__(self, sample: Sample, /) -> Feeds:
        """Hand on nothing."""
        feeds: Feeds = sample.data
        return feeds


class Discard(Postprocessor[None]):
    """Takes what the kernel gives."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> None:
        """Predict nothing."""

    def describe(self, prediction: None, /) -> Mapping[str, Any]:
        """Return nothing."""
        return {}


def _kernel() -> str:
    """Return the BLAS that numpy has loaded and the processor that it chose its code for, as far as it tells."""
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
