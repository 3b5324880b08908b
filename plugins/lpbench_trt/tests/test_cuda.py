"""On a real GPU with the real TensorRT: ``pytest -m cuda plugins/lpbench_trt``.  Each test is a process of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.testing.setups import python

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing.onnx_models import Graphs

pytestmark = [pytest.mark.cuda, pytest.mark.long]  # building a plan takes seconds

START = """
import pathlib, sys, time
import numpy as np
import lpbench_trt, lpbench_ort
from lpbench.testing.fixtures import Opener

opener, reference = Opener(lpbench_trt, "tensorrt"), Opener(lpbench_ort, "onnxruntime")
path = pathlib.Path({path!r})
x = np.random.default_rng(5).standard_normal((1, 3, 64, 64)).astype(np.float32)

def answer(session):
    return np.array(session.run({{"x": x}})["y"])

expected = answer(reference(path))
"""


@pytest.fixture
def on_gpu(models: Graphs, tmp_path: Path) -> Callable[[str], None]:
    """Return what runs code after ``START``, which has a small convolution at ``path``, with a cache of its own."""
    devices = [*Path("/dev").glob("nvidia[0-9]*"), *Path("/dev").glob("nvhost-gpu")]
    if not devices:
        pytest.skip("needs cuda: there is no NVIDIA device")
    if not any(importlib.util.find_spec(name) for name in ("tensorrt", "tensorrt_rtx")):
        pytest.skip("needs TensorRT, which is not installed")
    start = START.format(path=str(models.convolution((1, 3, 64, 64))))

    def run(code: str) -> None:
        python(start + code + "\nopener.close()", home=tmp_path / "home")

    return run


def test_it_computes_what_onnx_runtime_does(on_gpu: Callable[[str], None]) -> None:
    on_gpu("""
session = opener(path)
assert np.allclose(answer(session), expected, atol=1e-4)
facts = session.describe()
assert facts["processor"] == "GPU" and facts["device_name"] and "fake" not in facts["version"], facts
""")


def test_spans_add_up_to_less_than_the_wall_clock(on_gpu: Callable[[str], None]) -> None:
    on_gpu("""
session = opener(path, profile=True)
for _ in range(5):
    begun = time.perf_counter_ns()
    answer(session)
    taken = time.perf_counter_ns() - begun
    spans = session.device_spans()
    assert set(spans) == {"h2d", "compute", "d2h"} and 0 < sum(spans.values()) < taken, (spans, taken)
records = session.profile()
assert records and all(record["name"] and record["ns"] >= 0 for record in records), records
""")


def test_with_and_without_a_graph_the_answers_agree(on_gpu: Callable[[str], None]) -> None:
    on_gpu("""
plain, graph, blocking = opener(path), opener(path, graph=True), opener(path, graph=True, wait="block")
for _ in range(3):
    assert np.array_equal(answer(graph), answer(plain))
    assert np.array_equal(answer(blocking), answer(plain))
""")


def test_memory_grows_by_what_the_session_says(on_gpu: Callable[[str], None]) -> None:
    """Within 64 MB: the driver allocates in blocks, and keeps code and work space of its own."""
    on_gpu("""
from lpbench_trt._cuda import cuda
opener(path).close()
before = cuda().memory()[0]
sessions = [opener(path) for _ in range(4)]
grown = before - cuda().memory()[0]
told = sum(session.memory()["total"] for session in sessions)
assert abs(grown - told) < 64 << 20, (grown, told)
""")


def test_the_second_time_the_plan_comes_from_the_cache(on_gpu: Callable[[str], None]) -> None:
    on_gpu("""
first, second = opener(path), opener(path)
assert [each.describe()["from_cache"] for each in (first, second)] == [False, True]
assert np.array_equal(answer(first), answer(second))
""")


def test_sizes_within_the_range_run(on_gpu: Callable[[str], None]) -> None:
    on_gpu("""
from lpbench.testing.onnx_models import Graphs
path = Graphs(path.parent).convolution(("N", 3, 64, 64))
session = opener(path, min_shapes={"x": (1, 3, 64, 64)}, max_shapes={"x": (8, 3, 64, 64)})
for count in (1, 8, 3):
    found = session.run({"x": np.repeat(x, count, 0)})["y"]
    assert found.shape[0] == count and np.allclose(found, expected, atol=1e-4)
""")
