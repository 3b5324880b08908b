"""Overhead of lpbench around LiteRT: its timed loop against the shortest handwritten loop.

Both loops run in one process on one interpreter, alternating in short turns.  The
handwritten loop is ``set_tensor``, ``invoke`` and ``get_tensor``; "unread" does not read the
outputs, so that the ratio to it shows the cost of reading them.

    python benchmarks/engine_tflite.py [--rounds 300]
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _alternate import compare, prepare

from lpbench.plugin.engine import Model
from lpbench_tflite._engine import TfliteEngine
from lpbench_tflite._write import CONV_2D, RELU, Kind, Network, Number
from lpbench_tflite.config import TfliteConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

AVERAGE_POOL_2D = Kind(1, 5)
SAME, VALID = Number("b", 0), Number("b", 1)
ONE = Number("i", 1)
LAYERS, CHANNELS, SIZE = 15, 32, 56


def write(path: Path) -> Path:
    """Write a model that takes a few milliseconds on one thread: 3x3 convolutions with seeded weights."""
    random, network = np.random.default_rng(0), Network()
    image = (1, SIZE, SIZE, CHANNELS)
    source = value = network.tensor("x", image)
    bias = network.tensor("bias", (CHANNELS,), data=np.zeros(CHANNELS, np.float32))
    options = {0: SAME, **dict.fromkeys((1, 2, 4, 5), ONE), 3: Number("b", RELU)}
    for layer in range(LAYERS):
        numbers = random.standard_normal((CHANNELS, 3, 3, CHANNELS), np.float32) * np.sqrt(2 / (9 * CHANNELS))
        kernel = network.tensor(f"w{layer}", numbers.shape, data=numbers.astype(np.float32))
        into = network.tensor(f"c{layer}", image)
        network.operator(CONV_2D, [value, kernel, bias], [into], options)
        value = into
    target = network.tensor("y", (1, 1, 1, CHANNELS))
    window = dict.fromkeys((3, 4), Number("i", SIZE))
    network.operator(AVERAGE_POOL_2D, [value], [target], {0: VALID, 1: ONE, 2: ONE, **window})
    path.write_bytes(network.save([source], [target]))
    return path


def loops(interpreter: Any, data: Array) -> dict[str, Callable[[], None]]:
    """Return the two handwritten ways to run one inference."""
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def unread() -> None:
        interpreter.set_tensor(source, data)
        interpreter.invoke()

    def read() -> None:
        unread()
        interpreter.get_tensor(target)

    return {"read": read, "unread": unread}


def main() -> None:
    """Compare on convolutions of float32, on one thread with XNNPACK."""
    rounds = prepare(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        model = Model("tflite", write(Path(folder) / "model.tflite"))
        with TfliteEngine().open(model, TfliteConfig(threads=1), shapes={}) as session:
            interpreter = session._loaded.interpreter  # type: ignore[attr-defined] # noqa: SLF001 - the very same
            data = np.random.default_rng(1).standard_normal((1, SIZE, SIZE, CHANNELS), np.float32)
            compare(session, {"x": data}, loops(interpreter, data), rounds)


if __name__ == "__main__":
    main()
