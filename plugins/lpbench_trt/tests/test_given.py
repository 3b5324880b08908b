"""Plan files of the user's, on the fake: options that they cannot meet, and text before them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_trt.tests import bare
from plugins.lpbench_trt.tests.networks import network

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener

ONES = np.ones((2, 3), np.float32)


@pytest.fixture
def plan(fake_tensorrt: Fake, tmp_path: Path) -> Path:
    path = tmp_path / "model.engine"
    path.write_bytes(bare.plan(network(tmp_path, 2)))
    return path


def test_the_text_that_ultralytics_writes_before_a_plan_is_skipped(plan: Path, open_session: Opener) -> None:
    """Its exporter writes the length in four bytes, then JSON, then the plan."""
    content, text = plan.read_bytes(), json.dumps({"task": "detect", "names": {"0": "person"}}).encode()
    plan.write_bytes(len(text).to_bytes(4, "little", signed=True) + text + content)
    session = open_session(plan)
    assert np.allclose(session.run({"x": ONES})["y"], bare.expected(ONES))
    assert session.describe()["plan_bytes"] == len(content)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}", b"\x00\x00\x00\x00{", b"ftrt"]
)
def test_a_file_with_little_in_it_is_refused(plan: Path, open_session: Opener, text: bytes) -> None:
    plan.write_bytes(text)
    assert (
        "is empty" in open_session.refused(plan) if not text else "cannot load the plan" in open_session.refused(plan)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"tf32": True},
        {"workspace_mb": 7},
        {"optimization_level": 1},
        {"max_aux_streams": 0},
        {"min_shapes": {"x": (1, 3)}},
        {"max_shapes": {"x": (4, 3)}},
    ],
)
def test_options_of_the_builder_are_refused(plan: Path, open_session: Opener, options: dict[str, Any]) -> None:
    """The plan was built without them; nothing that was asked for is left out silently."""
    words = open_session.refused(plan, **options)
    assert f"options of the builder do not apply to a plan, which is built already: {next(iter(options))}\n" in words
    assert "lpbench convert" in words


def test_a_precision_that_the_plan_has_not_is_refused(plan: Path, open_session: Opener) -> None:
    words = open_session.refused(plan, precision="F16")
    assert "precision F16 was requested; the layers of the plan compute in F32\n" in words


def test_a_precision_that_the_plan_has_is_accepted(fake_tensorrt: Fake, plan: Path, open_session: Opener) -> None:
    plan.write_bytes(bare.plan(network(plan.parent, 2), flags=("FP16",)))
    for session in (open_session(plan, precision="F16"), open_session(plan)):
        assert "F16" in session.describe()["precisions"]


@pytest.mark.parametrize("cores", [0, 1])
def test_a_dla_core_that_is_not_there_is_refused(
    fake_tensorrt: Fake, plan: Path, open_session: Opener, cores: int
) -> None:
    """No result may say that a DLA core computed where there is none."""
    fake_tensorrt.set(dla_cores=cores)
    words = open_session.refused(plan, device="dla:1", precision="F16")
    assert f"there is no device dla:1\n  DLA cores here: {'dla:0' if cores else 'none'}" in words
