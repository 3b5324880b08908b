"""The conformance kit's case for ncnn: two small models, written as ncnn's text and weights."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.plugin.engine import Model
from lpbench.testing import EngineCase
from lpbench.testing.cases import NO_SUCH_OPERATOR
from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Array = np.ndarray[Any, Any]

CHANNELS = 16
SHAPE = (1, CHANNELS, 8, 8)
CYCLES = {"cpu": (20, 100), "vulkan": (30, 60)}
"""A Vulkan session compiles its shaders; a software driver grows by up to 1 MiB in the first 30 sessions."""
SOFTWARE = {"threads_at_work_are_those_asked_for": "a software Vulkan driver computes in its own threads"}
PROBING = 120.0
"""Seconds that the vendor's library may take to list its devices."""
PROCESSORS = "from lpbench_ncnn._devices import vulkan; print(*[device.processor for device in vulkan()])"


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return ``y = relu(w x)`` for each pixel of an image of 16 channels, and an identity that shows the precision."""
    kind, _, number = str(options.get("device", "cpu")).lower().partition(":")
    random = np.random.default_rng(5)
    weights = random.standard_normal((CHANNELS, CHANNELS)).astype(np.float32)
    feeds, other = (random.standard_normal(SHAPE).astype(np.float32) for _ in range(2))
    return EngineCase(
        model=_save(folder / "model.param", weights, relu=True),
        feeds={"in0": feeds},
        other={"in0": other},
        expected={"out0": np.maximum(np.einsum("oc,nchw->nohw", weights, feeds), 0)},
        identity=_save(folder / "identity.param", np.eye(CHANNELS, dtype=np.float32), relu=False),
        unsupported=_unsupported(folder / "unsupported.param"),
        cycles=CYCLES.get(kind, CYCLES["cpu"]),
        expected_failures=SOFTWARE if kind == "vulkan" and _in_software(int(number or 0)) else {},
    )


def _in_software(index: int) -> bool:
    """Return whether a Vulkan device is the CPU; determined in another process, since a case must not load ncnn."""
    told = processes.capture(processes.python("-c", PROCESSORS), timeout=PROBING)
    return told.output.split()[index : index + 1] == ["CPU"]


def _unsupported(path: Path) -> Model:
    path.write_text(f"7767517\n2 2\nInput in0 0 1 in0\n{NO_SUCH_OPERATOR} none 1 1 in0 out0\n", encoding="utf-8")
    return Model("ncnn", path)


def _save(path: Path, weights: Array, *, relu: bool) -> Model:
    """Write a 1x1 convolution, with a fused ReLU if asked for."""
    width, height, channels = SHAPE[:0:-1]
    layers = [
        f"Input in0 0 1 in0 0={width} 1={height} 2={channels}",
        f"Convolution conv 1 1 in0 out0 0={CHANNELS} 1=1 6={weights.size} 9={int(relu)}",
    ]
    path.write_text("\n".join(["7767517", "2 2", *layers, ""]), encoding="utf-8")
    beside = path.with_suffix(".bin")
    beside.write_bytes(struct.pack("<I", 0) + weights.astype("<f4").tobytes())
    return Model("ncnn", path, extra=(beside,))
