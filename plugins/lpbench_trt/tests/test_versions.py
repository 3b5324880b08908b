"""One code path for TensorRT 8.6, 10 and 11: the same program over the fake of each, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest

from lpbench.testing.onnx_models import FLOAT, Graphs

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

PROGRAM = """
import gc, pathlib
import numpy as np
import lpbench_trt
from lpbench.testing.fixtures import Opener

opener = Opener(lpbench_trt, "tensorrt", plan_cache=False, timing_cache=False)
fixed, found = pathlib.Path({fixed!r}), pathlib.Path({found!r})
x = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
for how in ({{}}, {{"graph": True}}, {{"profile": True, "wait": "block"}}):
    with opener(fixed, **how) as session:
        for _ in range(2):
            assert np.array_equal(session.run({{"x": x}})["y"], np.maximum(x, 0))
        facts = session.describe()
        assert facts["version"].startswith({version!r}) and "fake" in facts["version"], facts
        assert facts["precision"] == "F32", facts
        assert session.memory()["total"] > 0
with opener(found) as session:
    for sign in (1, 0, -1):
        assert np.array_equal(session.run({{"x": sign * x}})["y"], np.nonzero(sign * x))
opener.sessions.clear()
del session
gc.collect()
"""


@pytest.mark.parametrize(("fake", "version"), [("8", "8.6"), ("10", "10."), ("11", "11.")])
def test_every_version_runs_the_same_program(tmp_path: Path, fake_tensorrt: Fake, fake: str, version: str) -> None:
    """Plain, as a graph, profiled, with an output whose size depends on the data; nothing is left, nothing misused."""
    (tmp_path / "other").mkdir()
    node = onnx.helper.make_node("NonZero", ["x"], ["y"], name="positions")
    sizes = [("x", FLOAT, (2, 3))], [("y", FLOAT, (2, 3))]
    fixed = Graphs(tmp_path).save([onnx.helper.make_node("Relu", ["x"], ["y"], name="relu")], *sizes)
    found = Graphs(tmp_path / "other").save([node], sizes[0], [("y", onnx.TensorProto.INT64, (2, "K"))])
    code = PROGRAM.format(fixed=str(fixed), found=str(found), version=version)
    assert {entry.what for entry in fake_tensorrt.run(code, fake)} == {"call"}
