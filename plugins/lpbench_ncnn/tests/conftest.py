"""Models written on the spot as .param text and .bin bytes, and one way to open them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpbench_ncnn
from lpbench.testing import fixtures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Array = np.ndarray[Any, Any]


class Models:
    """Writes small ncnn models into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.random = np.random.default_rng(7)

    def save(self, layers: Sequence[str], weights: bytes = b"", blobs: int | None = None) -> Path:
        """Save layers, one line each, and their weights."""
        made = sum(int(line.split()[3]) for line in layers) if blobs is None else blobs
        path = self.folder / "model.param"
        path.write_text("\n".join(["7767517", f"{len(layers)} {made}", *layers, ""]), encoding="utf-8")
        path.with_suffix(".bin").write_bytes(weights)
        return path

    def tagged(self, array: Array) -> bytes:
        """Return weights as ncnn stores them: a tag, 0 for plain float32, and the numbers."""
        return struct.pack("<I", 0) + np.asarray(array, "<f4").tobytes()

    def relu(self, declared: str = "") -> Path:
        """Y = max(x, 0), in place if ncnn may."""
        return self.save([f"Input in0 0 1 in0 {declared}", "ReLU relu 1 1 in0 out0"])

    def two(self) -> Path:
        """Total = a + b, and difference = a - b."""
        return self.save(
            [
                "Input a 0 1 a 0=4 1=2",
                "Input b 0 1 b 0=4 1=2",
                "Split split_a 1 2 a a0 a1",
                "Split split_b 1 2 b b0 b1",
                "BinaryOp add 2 1 a0 b0 total 0=0",
                "BinaryOp subtract 2 1 a1 b1 difference 0=1",
            ]
        )

    def network(self, declared: str = "") -> Path:
        """Save convolution, ReLU, depthwise convolution, pooling, inner product, softmax: (3, 8, 8) to (5)."""
        r = self.random
        self.conv, self.conv_bias = r.standard_normal((16, 3, 3, 3)).astype("f4"), r.standard_normal(16).astype("f4")
        self.depth = r.standard_normal((16, 3, 3)).astype("f4")
        self.fc, self.fc_bias = r.standard_normal((5, 16 * 4 * 4)).astype("f4") / 16, r.standard_normal(5).astype("f4")
        layers = [
            f"Input in0 0 1 in0 {declared}",
            "Convolution conv 1 1 in0 c 0=16 1=3 4=1 5=1 6=432 9=1",
            "ConvolutionDepthWise depth 1 1 c d 0=16 1=3 4=1 6=144 7=16",
            "Pooling pool 1 1 d p 0=0 1=2 2=2",
            "InnerProduct fc 1 1 p f 0=5 1=1 2=1280",
            "Softmax softmax 1 1 f out0 0=0 1=1",
        ]
        weights = self.tagged(self.conv) + self.conv_bias.tobytes() + self.tagged(self.depth)
        return self.save(layers, weights + self.tagged(self.fc) + self.fc_bias.tobytes())

    def expected(self, x: Array) -> Array:
        """Return what ``network`` answers to (1, 3, 8, 8), by numpy in double precision."""
        c = np.maximum(convolution(x[0], self.conv, 1) + self.conv_bias[:, None, None], 0)
        d = np.stack([convolution(c[at : at + 1], self.depth[at][None, None], 1)[0] for at in range(16)])
        p = d.reshape(16, 4, 2, 4, 2).max(axis=(2, 4))
        f = self.fc.astype("f8") @ p.ravel() + self.fc_bias
        e = np.exp(f - f.max())
        return np.asarray(e / e.sum())[None]

    def quantised(self) -> Path:
        """Save a convolution of 16 channels with weights of 8 bits, and a step of 1 for everything."""
        self.whole = self.random.integers(-3, 4, (16, 16, 1, 1)).astype("i1")
        weights = struct.pack("<I", 0x000D4B38) + self.whole.tobytes() + np.ones(17, "<f4").tobytes()
        return self.save(["Input in0 0 1 in0", "Convolution conv 1 1 in0 out0 0=16 1=1 6=256 8=1"], weights)


def convolution(x: Array, weights: Array, pad: int) -> Array:
    """Return a convolution of (c, h, w) with stride 1, by numpy in double precision."""
    padded = np.pad(x.astype("f8"), ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[2:], axis=(1, 2))
    found: Array = np.einsum("chwij,ocij->ohw", windows, weights.astype("f8"))
    return found


open_session = fixtures.opener(lpbench_ncnn, "ncnn", threads=1)
models = fixtures.in_folder(Models)


@pytest.fixture
def vulkan() -> str:
    """Return a Vulkan device, or skip."""
    from lpbench_ncnn import _devices

    if not _devices.vulkan():
        pytest.skip("needs vulkan: no Vulkan driver")
    return "vulkan:0"
