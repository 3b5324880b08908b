"""The conformance kit's case for AscendCL: two small models, which ATC converts for the NPU of this machine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.plugin.converter import Conversion, ConversionError
from lpbench.plugin.engine import Model
from lpbench.testing.onnx_case import ROWS, onnx_case
from lpbench.util import processes
from lpbench_acl._convert import AtcConverter
from lpbench_acl.atc_config import AtcConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.testing import EngineCase

PROBING = 120.0
"""Seconds that AscendCL may take to name the NPU."""
SOC = "from lpbench_acl._runtime import runtime; print(runtime().soc())"
TOLERANCE = 5e-3
"""ATC converts to F16, in which all NPUs compute; its steps are of 1e-3."""


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:  # noqa: ARG001 - the kit's signature
    """Return small models of a fixed shape.

    :raises ConversionError: ATC is not installed here, or fails.
    """
    onnx = onnx_case(folder, ROWS)
    identity = onnx.identity and _converted(onnx.identity)
    return dataclasses.replace(
        onnx, model=_converted(onnx.model), identity=identity, unsupported=None, tolerance=TOLERANCE
    )


def _converted(source: Model) -> Model:
    """Return an ONNX file as an offline model, which is made once: each check asks, and ATC takes long."""
    folder = source.path.with_suffix("")
    made = list(folder.glob("*.om"))
    if not made:
        scratch = folder / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        wanted = Conversion(folder, scratch, "F16", config=AtcConfig(soc=_soc()))
        made = [AtcConverter().convert(source, wanted).model.path]
    return Model("om", made[0])


def _soc() -> str:
    """Return the name of this machine's NPU, which another process asks for: a case must not load AscendCL."""
    told = processes.capture(processes.python("-c", SOC), timeout=PROBING)
    if told.status or not told.output.strip():
        raise ConversionError(f"AscendCL does not name the NPU: {told.output.strip()[-500:]}")
    return told.output.split()[-1]
