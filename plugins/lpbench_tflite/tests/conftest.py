"""TFLite models written on the spot, and one way to open them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import lpbench_tflite
from lpbench.testing import fixtures
from lpbench_tflite._write import ADD, CONV_2D, NONE, RELU, SOFTMAX, Kind, Network, Number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Array = np.ndarray[Any, Any]

CHANNELS = (3, 4)
"""Of the convolution: in and out."""


class Models:
    """Writes small models into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        random = np.random.default_rng(7)
        self.kernel = random.standard_normal((CHANNELS[1], 3, 3, CHANNELS[0])).astype(np.float32)
        self.bias = random.standard_normal(CHANNELS[1]).astype(np.float32)
        self.weights = random.integers(-127, 127, (5, 8)).astype(np.int8)

    def save(self, network: Network, inputs: Sequence[int], outputs: Sequence[int], **notes: Any) -> Path:
        """Save a network."""
        path = self.folder / "model.tflite"
        path.write_bytes(network.save(inputs, outputs, **notes))
        return path

    def add(self, shape: Sequence[int] | None = (1, 4), dtype: str = "float32") -> Path:
        """Total = a + b; -1 in the shape is open, None is no shape at all."""
        network = Network()
        a, b, total = (network.tensor(name, shape, dtype) for name in ("a", "b", "total"))
        network.operator(ADD, [a, b], [total], {0: Number("b", NONE)})
        return self.save(network, [a, b], [total])

    def convolution(self) -> Path:
        """Y = softmax(relu(conv(x))): 1x6x5x3 to 1x6x5x4, kernel 3x3, padded."""
        network = Network()
        x = network.tensor("x", (1, 6, 5, CHANNELS[0]))
        constants = [network.tensor(name, each.shape, data=each) for name, each in self._constants.items()]
        inner, y = (network.tensor(name, (1, 6, 5, CHANNELS[1])) for name in ("inner", "y"))
        steps = {slot: Number("i", 1) for slot in (1, 2, 4, 5)}
        network.operator(CONV_2D, [x, *constants], [inner], {0: Number("b", 0), **steps, 3: Number("b", RELU)})
        network.operator(SOFTMAX, [inner], [y], {0: Number("f", 1)})
        return self.save(network, [x], [y])

    @property
    def _constants(self) -> dict[str, Array]:
        return {"kernel": self.kernel, "bias": self.bias}

    def quantised(self) -> Path:
        """Return an int8 matrix product: 1x8 to 1x5; scales 0.1, 0.02 and 2, zero-points 3 and -4."""
        network = Network()
        x = network.tensor("x", (1, 8), "int8", quantised=(0.1, 3))
        weights = network.tensor("w", self.weights.shape, "int8", data=self.weights, quantised=(0.02, 0))
        y = network.tensor("y", (1, 5), "int8", quantised=(2.0, -4))
        network.operator(Kind(9, 8), [x, weights, -1], [y], {0: Number("b", NONE)})
        return self.save(network, [x], [y])

    def of(self, *kinds: Kind) -> Path:
        """Return a chain of operators of these kinds, without options."""
        network = Network()
        tensors = [network.tensor(f"t{at}", (1, 4)) for at in range(len(kinds) + 1)]
        for at, kind in enumerate(kinds):
            network.operator(kind, [tensors[at]], [tensors[at + 1]])
        return self.save(network, tensors[:1], tensors[-1:])


open_session = fixtures.opener(lpbench_tflite, "tflite", threads=1)
models = fixtures.in_folder(Models)
