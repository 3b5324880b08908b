"""Writes small graph models as TensorFlow.js stores them, and says by definition what their images become."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DTYPES = {"f": "float32", "i": "int32", "b": "bool"}


class Graph:
    """A graph model under construction; each method returns the name of the node."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.weights: list[dict[str, Any]] = []
        self.content = b""

    def input(self, shape: tuple[int, ...], dtype: str = "DT_FLOAT", name: str = "x") -> str:
        sizes = {"dim": [{"size": str(each)} for each in shape]}
        self.nodes.append(
            {"name": name, "op": "Placeholder", "attr": {"shape": {"shape": sizes}, "dtype": {"type": dtype}}}
        )
        return name

    def constant(self, values: Any, **said: Any) -> str:
        """Add a weight; ``said`` replaces what the manifest tells of it."""
        array = np.asarray(values)
        array = array.astype({"i": np.int32, "f": np.float32}.get(array.dtype.kind, array.dtype), order="C")
        name = f"weight{len(self.weights)}"
        self.nodes.append({"name": name, "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}})
        self.content += array.tobytes()
        self.weights.append(
            {"name": name, "shape": list(array.shape), "dtype": DTYPES.get(array.dtype.kind, "float32"), **said}
        )
        return name

    def stored(self, values: NDArray[Any], dtype: str, **quantization: Any) -> str:
        """Add a weight of another type than it is stored with."""
        name = f"weight{len(self.weights)}"
        self.nodes.append({"name": name, "op": "Const", "attr": {}})
        self.content += values.tobytes()
        stored = {"dtype": values.dtype.name, "original_dtype": dtype, **quantization}
        self.weights.append({"name": name, "shape": list(values.shape), "dtype": dtype, "quantization": stored})
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"node{len(self.nodes)}"
        attr = {key: attribute(each) for key, each in attributes.items()}
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})
        return name

    def window(self, op: str, *inputs: str, stride: int = 1, padding: str = "SAME", **attributes: Any) -> str:
        steps = {"strides": [1, stride, stride, 1], "padding": padding, "data_format": "NHWC"}
        return self.add(op, *inputs, **{**steps, **({} if op == "MaxPool" else {"dilations": [1] * 4}), **attributes})

    def json(self) -> dict[str, Any]:
        manifest = [{"paths": ["m.bin"], "weights": self.weights}]
        return {"format": "graph-model", "modelTopology": {"node": self.nodes}, "weightsManifest": manifest}

    def write(self, folder: Path) -> Path:
        (folder / "m.bin").write_bytes(self.content)
        (folder / "m.json").write_text(json.dumps(self.json()), encoding="utf-8")
        return folder / "m.json"


def attribute(value: Any) -> dict[str, Any]:
    """Return a value as protobuf's JSON writes it."""
    if isinstance(value, list):
        kinds = [attribute(each) for each in value]
        return {"list": {key: [kind[key] for kind in kinds] for kind in kinds[:1] for key in kind}}
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value}
    if value.startswith("DT_"):
        return {"type": value}
    return {"s": base64.b64encode(value.encode()).decode()}


def slid(image: NDArray[Any], size: int, stride: int, padding: str, neutral: float = 0.0) -> NDArray[Any]:
    """Return every window of an NHWC image, ``[batch, rows, columns, size, size, channels]``."""
    if padding == "SAME":
        totals = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in image.shape[1:3]]
        image = np.pad(
            image, [(0, 0), *((each // 2, each - each // 2) for each in totals), (0, 0)], constant_values=neutral
        )
    rows, columns = ((side - size) // stride + 1 for side in image.shape[1:3])
    found = np.zeros((image.shape[0], rows, columns, size, size, image.shape[3]))
    for row, column in np.ndindex(rows, columns):
        found[:, row, column] = image[:, row * stride :, column * stride :][:, :size, :size]
    return found


def convolved(image: NDArray[Any], kernel: NDArray[Any], stride: int, padding: str) -> NDArray[Any]:
    """Return an NHWC image under a kernel [height, width, in, out]."""
    found: NDArray[Any] = np.einsum("brcijk,ijko->brco", slid(image, kernel.shape[0], stride, padding), kernel)
    return found


def depthwise(image: NDArray[Any], kernel: NDArray[Any], stride: int, padding: str) -> NDArray[Any]:
    """Return each channel under its own kernels [height, width, in, multiplier]."""
    found: NDArray[Any] = np.einsum("brcijk,ijkm->brckm", slid(image, kernel.shape[0], stride, padding), kernel)
    return found.reshape(*found.shape[:3], -1)
