"""TensorRT keeps lpbench's contract over the fake, with fixed shapes, with open ones, and as a graph."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.testing import EngineCase, engine_checks
from lpbench.testing.onnx_case import SIZES, onnx_case
from lpbench_trt.case import case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("fake_tensorrt")


@engine_checks("tensorrt")
def test_fixed(check: Callable[[], None]) -> None:
    check()


def dynamic(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return the plugin's own case with a model that takes 1 to 8 vectors."""
    limits = {"min_shapes": {"x": (1, SIZES[0])}, "max_shapes": {"x": (8, SIZES[0])}}
    return dataclasses.replace(onnx_case(folder), options=limits)


@pytest.mark.long
@engine_checks("tensorrt", case=dynamic)
def test_dynamic(check: Callable[[], None]) -> None:
    check()


def graph(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    return dataclasses.replace(case(folder, options), options={"graph": True, "wait": "block"})


@pytest.mark.long
@engine_checks("tensorrt", case=graph)
def test_graph(check: Callable[[], None]) -> None:
    check()
