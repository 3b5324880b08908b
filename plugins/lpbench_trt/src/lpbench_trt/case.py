"""The conformance kit's case for TensorRT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.testing.onnx_case import ROWS, onnx_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.testing import EngineCase


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:  # noqa: ARG001 - the kit's signature
    """Return small models of a fixed shape; TensorRT builds plans for shapes that are known."""
    return onnx_case(folder, ROWS)
