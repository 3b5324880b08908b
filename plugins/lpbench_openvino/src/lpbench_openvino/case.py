"""The conformance kit's case for OpenVINO: two small models in its own format, written without its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import Model
from lpbench.testing import EngineCase
from lpbench.testing.cases import NO_SUCH_OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Array = np.ndarray[Any, Any]

ROWS = 2
SIZES = (8, 6)
"""Length of an input and of an output."""

PORT = '<port id="{}" precision="FP32"{}><dim>{}</dim><dim>{}</dim></port>'
LAYER = '<layer id="{}" name="{}" type="{}" version="opset1">{}{}{}</layer>'
EDGE = '<edge from-layer="{}" from-port="{}" to-layer="{}" to-port="{}"/>'


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:  # noqa: ARG001 - the kit's signature
    """Return ``y = relu(x w)`` for two vectors, and an identity that shows the precision."""
    random = np.random.default_rng(5)
    weights = random.standard_normal(SIZES).astype(np.float32)
    feeds, other = (random.standard_normal((ROWS, SIZES[0])).astype(np.float32) for _ in range(2))
    return EngineCase(
        model=save(folder / "model.xml", weights),
        feeds={"x": feeds},
        other={"x": other},
        expected={"y": np.maximum(feeds @ weights, 0)},
        identity=save(folder / "identity.xml", np.eye(SIZES[0], dtype=np.float32)),
        unsupported=save(folder / "unsupported.xml", weights, activation=NO_SUCH_OPERATOR),
    )


def save(path: Path, weights: Array, rows: int = ROWS, activation: str = "ReLU") -> Model:
    """Write ``y = relu(x w)`` as an .xml with a .bin beside it; ``rows`` of -1 allows any number of vectors."""
    width, height = weights.shape
    into, inner, out = (rows, width), (width, height), (rows, height)
    shape = f'<data shape="{rows if rows > 0 else "?"},{width}" element_type="f32"/>'
    constant = f'<data element_type="f32" shape="{width},{height}" offset="0" size="{weights.nbytes}"/>'
    plain = '<data transpose_a="false" transpose_b="false"/>'
    layers = (
        ("x", "Parameter", shape, "", _ports("output", ("x", into))),
        ("w", "Const", constant, "", _ports("output", ("", inner))),
        ("product", "MatMul", plain, _ports("input", ("", into), ("", inner)), _ports("output", ("", out), first=2)),
        ("relu", activation, "", _ports("input", ("", out)), _ports("output", ("y", out), first=1)),
        ("result", "Result", "", _ports("input", ("", out)), ""),
    )
    edges = ((0, 0, 2, 0), (1, 0, 2, 1), (2, 2, 3, 0), (3, 1, 4, 0))
    body = "".join(LAYER.format(number, *layer) for number, layer in enumerate(layers))
    links = "".join(EDGE.format(*edge) for edge in edges)
    text = f'<?xml version="1.0"?><net name="case" version="11"><layers>{body}</layers><edges>{links}</edges></net>'
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".bin").write_bytes(weights.tobytes())
    return Model("openvino", path, extra=(path.with_suffix(".bin"),))


def _ports(side: str, *ports: tuple[str, tuple[int, int]], first: int = 0) -> str:
    names = (f' names="{name}"' if name else "" for name, _ in ports)
    body = "".join(
        PORT.format(number, name, *shape)
        for number, (name, (_, shape)) in enumerate(zip(names, ports, strict=True), first)
    )
    return f"<{side}>{body}</{side}>"
