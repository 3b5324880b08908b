"""Finds devices by opening a model on each; runs in a child process, because drivers may crash."""

from __future__ import annotations

from typing import Any

import onnxruntime

from lpbench.plugin.engine import EngineError, Model
from lpbench.util.atomic_folders import temporary
from lpbench_ort import _providers
from lpbench_ort._engine import OrtEngine
from lpbench_ort.config import OrtConfig

NUMBERED = frozenset({"cuda", "tensorrt", "rocm", "migraphx", "cann", "dml"})
MOST = 16
"""Largest number of devices of one kind to try."""


def probe() -> dict[str, Any]:
    """Return ``version``, usable ``devices``, the build's ``providers``, and ``unusable`` devices with ``hints``."""
    usable: list[str] = []
    unusable: dict[str, EngineError] = {}
    with temporary("ort") as folder:
        model = Model("onnx", folder / "identity.onnx")
        model.path.write_bytes(_addition())
        for name in _providers.devices():
            problem = _try_each(model, name, usable)
            if problem:
                unusable[name] = problem
    return {
        "version": onnxruntime.__version__,
        "devices": usable,
        "providers": onnxruntime.get_available_providers(),
        "unusable": {name: problem.what for name, problem in unusable.items()},
        "hints": {name: hint for name, problem in unusable.items() if (hint := _hint(name, problem))},
    }


def _hint(name: str, problem: EngineError) -> str:
    """Return what helps: the extra that brings a provider's libraries, or what the error says."""
    return _providers.HINTS.get(name) or problem.hint


def _try_each(model: Model, name: str, usable: list[str]) -> EngineError | None:
    """Append the working devices of one kind; return why none works, or None."""
    names = [f"{name}:{number}" for number in range(MOST)] if name in NUMBERED else [name]
    for index, device in enumerate(names):
        try:
            OrtEngine().open(model, OrtConfig(device=device), shapes={}).close()
        except EngineError as error:
            return None if index else error
        usable.append(device)
    return None


def _addition() -> bytes:
    """Return an ONNX model ``y = x + x`` of four float32 numbers, built by hand, since onnx is not a dependency."""
    value = _field(1, b"x") + _field(2, _field(1, b"\x08\x01" + _field(2, _field(1, b"\x08\x04"))))
    node = _field(1, b"x") * 2 + _field(2, b"y") + _field(4, b"Add")
    graph = _field(1, node) + _field(2, b"g") + _field(11, value) + _field(12, value.replace(b"x", b"y", 1))
    return b"\x08\x08" + _field(7, graph) + _field(8, b"\x10\x0d")  # IR version 8, opset 13


def _field(number: int, content: bytes) -> bytes:
    """Return a protocol buffer field of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
