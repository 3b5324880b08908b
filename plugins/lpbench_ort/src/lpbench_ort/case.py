"""The conformance kit's case for ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.testing.onnx_case import onnx_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.testing import EngineCase


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:  # noqa: ARG001 - the kit's signature
    """Return small models for any number of vectors."""
    return onnx_case(folder)
