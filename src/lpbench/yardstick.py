"""A fixed kernel that every result is also measured against: the yardstick.

A shared or throttling machine changes its speed from minute to minute, and the kernel's
with it, so latency in units of the kernel drifts far less than latency in milliseconds.
The kernel is a single-precision matrix product, which lives in the caches and the vector
units, and adding to an array that fits no first- or second-level cache.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.engine import Feeds, Outputs, Session
from lpbench.processor import Postprocessor, Preprocessor, ProcessorError, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""Units of different versions do not compare."""
SIDE = 256
STREAM = 1 << 19
ROUNDS = 2
DROPPED = ("OPENBLAS_", "OMP_", "MKL_", "BLIS_", "GOTO_")
"""Variables with these beginnings change the kernel; its worker does not see them."""
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Yardstick(Session):
    """The kernel in the place of a model: one ``run`` is one unit."""

    def __init__(self) -> None:
        import numpy as np  # every engine plugin brings it; the core does without

        self.inputs = self.outputs = ()
        rng = np.random.default_rng(0)
        self._matrix = rng.random((SIDE, SIDE), dtype=np.float32)
        self._stream = rng.random(STREAM, dtype=np.float32)
        self._product = np.empty_like(self._matrix)
        self._dot, self._add = np.dot, np.add

    def run(self, feeds: Feeds, /) -> Outputs:
        """Do one unit of work."""
        for _ in range(ROUNDS):
            self._dot(self._matrix, self._matrix, out=self._product)
            self._add(self._stream, 1, out=self._stream)
        return feeds

    def close(self) -> None:
        """Hold nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Return what must be equal before two results' units are compared."""
        import numpy as np

        kernel = _kernel()
        return {"version": VERSION, "numpy": np.__version__, "blas": kernel}


class Feed(Preprocessor[None]):
    """Feeds the kernel, which needs nothing."""

    def load(self, path: Path) -> Sample:
        """Refuse: the kernel reads no files."""
        what = "the yardstick reads no samples"
        raise ProcessorError(what, where=str(path))

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
