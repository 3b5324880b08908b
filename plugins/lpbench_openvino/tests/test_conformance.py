"""OpenVINO keeps lpbench's contract, with fixed shapes and with open ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.testing import EngineCase, engine_checks
from lpbench_openvino.case import SIZES, case, save

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@engine_checks("openvino")
def test_fixed(check: Callable[[], None]) -> None:
    check()


def dynamic(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return the plugin's own case with a model that takes any number of vectors."""
    fixed = case(folder, options)
    weights = np.random.default_rng(5).standard_normal(SIZES).astype(np.float32)
    return dataclasses.replace(fixed, model=save(folder / "dynamic.xml", weights, rows=-1))


@pytest.mark.long
@engine_checks("openvino", case=dynamic)
def test_dynamic(check: Callable[[], None]) -> None:
    check()
