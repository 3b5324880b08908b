"""Measured over the fake, in workers: the result says what ran, and a lost device costs its own row alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import lpbench

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.onnx_models import Graphs

ENGINES = ["tensorrt", "onnxruntime"]


def measured(path: Path) -> lpbench.Result:
    return lpbench.benchmark(str(path), engine=ENGINES, number=20, runs=1, yardstick=False)


@pytest.mark.long
def test_a_lost_device_is_the_reason_of_its_row(models: Graphs, fake_tensorrt: Fake) -> None:
    """The worker lives on to say so, and the other engine is measured as before."""
    path = models.convolution((1, 3, 16, 16))
    whole = measured(path)
    assert "not measured" not in str(whole)
    assert "10.16.1+fake" in json.dumps(whole.to_dict())
    fake_tensorrt.set(lost_at=100)
    text = " ".join(str(measured(path)).split())
    assert "the device is lost and the session is closed" in text
    assert "cudaErrorLaunchFailure (719)" in text or "Error Code" in text
    assert "onnxruntime 1." in text
