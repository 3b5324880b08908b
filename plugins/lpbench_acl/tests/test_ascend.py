"""On a real NPU with the real CANN: ``pytest -m ascend plugins/lpbench_acl``.  Each test is a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing.onnx_models import Graphs

SECONDS = 1800
"""For several conversions on the slow processor of a board."""
pytestmark = [pytest.mark.ascend, pytest.mark.long]  # converting a model takes a minute

START = """
import pathlib, time
import numpy as np
import lpbench_acl, lpbench_ort
from lpbench.testing.conversions import convert
from lpbench.testing.fixtures import Opener
from lpbench_acl._convert import AtcConverter
from lpbench_acl._runtime import runtime
from lpbench_acl.atc_config import AtcConfig

opener, reference = Opener(lpbench_acl, "acl"), Opener(lpbench_ort, "onnxruntime")
source = pathlib.Path({path!r})
x = np.random.default_rng(5).standard_normal((1, 3, 64, 64)).astype(np.float32)

def converted(**options):
    return convert(AtcConverter(), source, "F16", config=AtcConfig(**options)).model.path

def answer(session, feed=x):
    return np.array(session.run({{"x": feed}})["y"])

def alike(found, feed=x):
    expected = answer(reference(source), feed)
    return found.shape == expected.shape and np.allclose(found, expected, atol=2e-2 * np.abs(expected).max())
"""
"""``alike`` allows for F16, in which NPUs compute."""


@pytest.fixture
def npu() -> None:
    """Skip what needs an NPU where there is none, or no CANN."""
    if not any(Path("/dev").glob("davinci[0-9]*")):
        pytest.skip("needs ascend: there is no Ascend NPU")
    if importlib.util.find_spec("acl") is None:
        pytest.skip("needs ascend: CANN is not installed, or its set_env.sh was not sourced")


@pytest.fixture
def on_npu(npu: None, models: Graphs) -> Callable[..., None]:
    """Return what runs code after ``START``, which has a convolution of one image, or of any number, as ``source``."""

    def run(code: str, batch: int | str = 1) -> None:
        start = START.format(path=str(models.convolution((batch, 3, 64, 64))))
        succeed("-c", f"{start}{code}\nopener.close()\nreference.close()")

    return run


def succeed(*words: str) -> None:
    """Run Python with these words."""
    ran = subprocess.run([sys.executable, *words], check=False, timeout=SECONDS, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_computes_what_onnx_runtime_does(on_npu: Callable[[str], None]) -> None:
    """Both ways of calling, for the NPU of this machine."""
    on_npu("""
path = converted()
for asynchronous in (True, False):
    session = opener(path, asynchronous=asynchronous)
    for _ in range(3):
        assert alike(answer(session))
facts = session.describe()
assert facts["processor"] == "NPU" and facts["soc"].startswith("Ascend") and "fake" not in facts["version"], facts
""")


def test_spans_add_up_to_less_than_the_wall_clock(on_npu: Callable[[str], None]) -> None:
    on_npu("""
session = opener(converted(), profile=True)
for _ in range(5):
    begun = time.perf_counter_ns()
    answer(session)
    taken = time.perf_counter_ns() - begun
    spans = session.device_spans()
    assert set(spans) == {"h2d", "compute", "d2h"} and 0 < sum(spans.values()) < taken, (spans, taken)
""")


def test_each_operator_has_a_time(on_npu: Callable[[str], None]) -> None:
    """Together no more than the NPU computed."""
    on_npu("""
session = opener(converted(), profile=True)
spent = []
for _ in range(5):
    answer(session)
    spent.append(session.device_spans()["compute"])
records = session.profile()
assert any(record["category"] == "convolution" for record in records), records
assert 0 < sum(record["ns"] for record in records) <= max(spent), (records, spent)
""")


def test_memory_grows_by_what_the_session_says(on_npu: Callable[[str], None]) -> None:
    """Within 64 MB: the driver allocates in blocks, and keeps code and work space of its own."""
    on_npu("""
from lpbench_acl._memory import device_memory
path = converted()
opener(path).close()
watching = opener(path)
watching.memory()
before = device_memory(runtime().calls)[0]
sessions = [opener(path) for _ in range(4)]
watching.memory()
grown = before - device_memory(runtime().calls)[0]
told = sum(session.memory()["total"] for session in sessions)
assert abs(grown - told) < 64 << 20, (grown, told)
""")


def test_batches_for_which_the_model_has_a_gear_run(on_npu: Callable[..., None]) -> None:
    on_npu(
        """
from lpbench.errors import EngineError
session = opener(converted(batches=(1, 2, 4)))
for count in (1, 4, 2, 4):
    feed = np.repeat(x, count, 0) * np.arange(1, count + 1, dtype=np.float32).reshape(-1, 1, 1, 1)
    assert alike(answer(session, feed), feed)
try:
    answer(session, np.repeat(x, 3, 0))
except EngineError as error:
    assert "it has batch sizes 1, 2, 4" in str(error), error
else:
    raise AssertionError("a batch without a gear ran")
assert alike(answer(session))
""",
        batch="N",
    )


def test_image_sizes_for_which_the_model_has_a_gear_run(on_npu: Callable[[str], None]) -> None:
    on_npu("""
from lpbench.testing.onnx_models import Graphs
source = Graphs(source.parent).convolution((1, 3, "H", "W"))
session = opener(converted(image_sizes=((64, 64), (32, 48))))
for height, width in ((32, 48), (64, 64)):
    feed = np.ascontiguousarray(x[:, :, :height, :width])
    assert alike(answer(session, feed), feed)
""")


@pytest.mark.usefixtures("npu")
@pytest.mark.parametrize("name", ["acl", "acl-npu"])
def test_the_contract_is_kept(name: str) -> None:
    """Of the engine and of the monitor; each check of the conformance kit is a process of its own."""
    succeed("-m", "lpbench", "check", name, "-v")
