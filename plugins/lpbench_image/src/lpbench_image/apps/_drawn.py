"""Writes networks with random weights as ONNX: the layers of the published classifiers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lpbench_image.apps._graph import Graph

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

Activation = Literal["", "relu", "sigmoid", "swish", "hard_sigmoid", "hard_swish"]
"""What follows a layer: nothing, or the method of this name."""
SEED = 0
BIAS = 0.01
"""Standard deviation of biases; not zero, since an engine might optimise zeros away."""
RECTIFIED, LINEAR = 2.0, 1.0
"""Factors of a kernel's variance by what follows: He et al., arXiv:1502.01852, equations 7 and 10."""


class DrawnGraph(Graph):
    """A graph whose kernels and biases are drawn with a fixed seed, in the order of the layers.

    :ivar channels: Number of channels of each tensor, by name.
    """

    def __init__(self) -> None:
        super().__init__({})
        self.channels = {"input": 3}
        self._random = np.random.default_rng(SEED)
        self._layers = 0

    def layer(self, x: str, out: int, size: int, activation: Activation = "", *, stride: int = 1) -> str:
        """Add a convolution with a square kernel, and an activation."""
        return self._convolved(x, (out, self.channels[x], size, size), activation, stride=stride)

    def depthwise(self, x: str, size: int, activation: Activation = "", *, stride: int = 1) -> str:
        """Add a convolution of each channel by itself."""
        count = self.channels[x]
        return self._convolved(x, (count, 1, size, size), activation, stride=stride, groups=count)

    def linear_layer(self, x: str, out: int) -> str:
        """Add a fully connected layer."""
        name = self._next()
        self.multiply(x, name, self._draw((out, self.channels[x]), RECTIFIED), name)
        self.channels[name] = out
        return name

    def classifier(self, x: str, classes: int, name: str) -> onnx.ModelProto:
        """Add the last layer, and return the model: ``input`` f32[batch,3,height,width] to ``logits``."""
        self.multiply(x, self._next(), self._draw((classes, self.channels[x]), LINEAR), "logits")
        return self.model(name, classes)

    def excite(self, x: str, squeezed: int, inner: Activation, outer: Activation) -> str:
        """Add squeeze-and-excitation: each channel is multiplied by a factor that depends on all channels' means.

        Hu et al., arXiv:1709.01507, figure 1.

        :param squeezed: Number of channels between the two layers.
        :param inner: Activation between them.
        :param outer: Activation that turns the second layer's values into factors.
        """
        mean = self._add("GlobalAveragePool", [x], f"{x}_mean")
        factors = self.layer(self.layer(mean, squeezed, 1, inner), self.channels[x], 1, outer)
        return self._add("Mul", [x, factors], f"{x}_excited")

    def block(self, x: str, inner: str, stride: int) -> str:
        """Return the sum of a block's input and its layers, or its layers alone where their sizes differ."""
        return self.add(x, inner) if stride == 1 and self.channels[x] == self.channels[inner] else inner

    def relu(self, x: str) -> str:
        """Add a rectifier."""
        return self._add("Relu", [x], f"{x}_relu")

    def sigmoid(self, x: str) -> str:
        """Add the logistic function."""
        return self._add("Sigmoid", [x], f"{x}_sigmoid")

    def swish(self, x: str) -> str:
        """Add ``x * sigmoid(x)``: Ramachandran et al., arXiv:1710.05941."""
        return self._add("Mul", [x, self.sigmoid(x)], f"{x}_swish")

    def hard_sigmoid(self, x: str) -> str:
        """Add ``clip(x + 3, 0, 6) / 6``: Howard et al., arXiv:1905.02244, section 5.2."""
        return self._add("HardSigmoid", [x], f"{x}_hard_sigmoid", alpha=1 / 6, beta=0.5)

    def hard_swish(self, x: str) -> str:
        """Add ``x * hard_sigmoid(x)``."""
        return self._add("Mul", [x, self.hard_sigmoid(x)], f"{x}_hard_swish")

    def max_pool(self, x: str, size: int, *, stride: int) -> str:
        """Add the maximum over a square window, padded like a layer."""
        window = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [size // 2] * 4}
        return self._add("MaxPool", [x], f"{x}_max", **window)

    def _convolved(
        self, x: str, shape: tuple[int, ...], activation: Activation, *, stride: int, groups: int = 1
    ) -> str:
        name, pad = self._next(), shape[-1] // 2
        weights = self._draw(shape, RECTIFIED if activation else LINEAR)
        convolved = self.convolve(x, name, weights, stride=stride, pads=(pad, pad), groups=groups)
        self.channels[convolved] = shape[0]
        return self._activate(convolved, activation)

    def _activate(self, x: str, activation: Activation) -> str:
        activated: str = getattr(self, activation)(x) if activation else x
        return activated

    def _draw(self, shape: tuple[int, ...], gain: float) -> tuple[NDArray[Any], NDArray[Any]]:
        kernel = self._random.normal(0, math.sqrt(gain / math.prod(shape[1:])), shape)
        return kernel, self._random.normal(0, BIAS, shape[0])

    def _next(self) -> str:
        self._layers += 1
        return f"layer{self._layers}"

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node whose output has the channels of its first input."""
        self.channels[output] = self.channels[inputs[0]]
        return super()._add(kind, inputs, output, **attributes)
