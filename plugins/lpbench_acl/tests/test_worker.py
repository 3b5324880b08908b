"""Measured over the fake, in workers: the result says what ran, and a lost device costs its own row alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.testing import ledger

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.onnx_models import Graphs


def measured(path: Path) -> lpbench.Result:
    return lpbench.benchmark(str(path), engine="acl", number=20, runs=1, yardstick=False)


@pytest.mark.long
def test_a_model_is_measured_in_a_worker(models: Graphs, fake_acl: Fake) -> None:
    """From opening to closing in a process of its own, which leaves nothing behind in AscendCL."""
    result = measured(fake_acl.om(models.convolution((1, 3, 16, 16))))
    assert "not measured" not in str(result)
    text = json.dumps(result.to_dict())
    assert "fake" in text
    assert "npu:0" in text
    assert fake_acl.wrong() == []


@pytest.mark.long
def test_a_lost_device_is_the_reason_of_a_measurement_that_ends(models: Graphs, fake_acl: Fake) -> None:
    """The worker lives on to say so, with AscendCL's reason and what to do."""
    path = fake_acl.om(models.convolution((1, 3, 16, 16)))
    fake_acl.set(lost_at=150)
    with pytest.raises(lpbench.EngineError) as caught:
        measured(path)
    text = str(caught.value)
    assert "the device is lost and the session is closed" in text
    assert "the heartbeat of the device is lost (fake)" in text
    assert "npu-smi info" in text
    # the timed loop keeps the last output until the worker ends, and with it its NPU
    left = {entry.name for entry in fake_acl.written() if entry.what != ledger.CALL}
    assert left <= {"pinned memory", "device in use"}
    fake_acl.excuse()
