"""Overhead of lpbench around ncnn: its timed loop against the shortest handwritten loop.

Both loops run in one process on one network, alternating in short turns.  There are two
handwritten loops, and neither converts the output to a numpy array: "new"
passes new data each time, as an inference needs it, and the limit applies to it;
"same" makes ncnn's array once and finds it in the cache, so that the ratio to it
shows the cost of passing data.

    python benchmarks/engine_ncnn.py [--rounds 300]
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np
from _alternate import compare, prepare

from lpbench.plugin.engine import Model
from lpbench_ncnn._engine import NcnnEngine
from lpbench_ncnn.config import NcnnConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

LAYERS, CHANNELS, SIZE = 15, 32, 56


def write(path: Path) -> Path:
    """Write a model that takes a few milliseconds on one thread: 3x3 convolutions with seeded weights."""
    random = np.random.default_rng(0)
    lines, weights, value = [f"Input in0 0 1 in0 0={SIZE} 1={SIZE} 2={CHANNELS}"], b"", "in0"
    for layer in range(LAYERS):
        lines.append(f"Convolution c{layer} 1 1 {value} c{layer} 0={CHANNELS} 1=3 4=1 6={9 * CHANNELS**2} 9=1")
        numbers = random.standard_normal(9 * CHANNELS**2, np.float32) * np.float32(np.sqrt(2 / (9 * CHANNELS)))
        weights += struct.pack("<I", 0) + numbers.tobytes()
        value = f"c{layer}"
    lines.append(f"Pooling pool 1 1 {value} out0 0=1 4=1")
    path.write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines, ""]), encoding="utf-8")
    path.with_suffix(".bin").write_bytes(weights)
    return path


def loops(net: Any, data: Array) -> dict[str, Callable[[], None]]:
    """Return the two handwritten ways to run one inference."""
    mat = ncnn.Mat(data).clone()

    def new() -> None:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(data).clone())
        extractor.extract("out0")

    def same() -> None:
        extractor = net.create_extractor()
        extractor.input("in0", mat)
        extractor.extract("out0")

    return {"new": new, "same": same}


def main() -> None:
    """Compare on convolutions of float32, on one thread."""
    rounds = prepare(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        model = Model("ncnn", write(Path(folder) / "model.param"))
        with NcnnEngine().open(model, NcnnConfig(threads=1), shapes={}) as session:
            net = session._loaded.net  # type: ignore[attr-defined] # noqa: SLF001 - the very same network
            data = np.random.default_rng(1).standard_normal((1, CHANNELS, SIZE, SIZE), np.float32)
            compare(session, {"in0": data}, loops(net, data[0]), rounds)


if __name__ == "__main__":
    main()
