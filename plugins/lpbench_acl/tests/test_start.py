"""AscendCL is started once in a process and ended with it, unless someone else started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.testing import ledger

if TYPE_CHECKING:
    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.onnx_models import Graphs

BEGIN = """
from pathlib import Path
from lpbench.plugin.engine import EngineError, Model
from lpbench_acl._engine import AclEngine
from lpbench_acl.config import AclConfig

def opened():
    return AclEngine().open(Model("om", Path({path!r})), AclConfig(), shapes={{}})
"""
TWICE = "opened().close(); opened().close()"
REFUSED = """
try:
    opened()
except EngineError as error:
    assert "model.om: acl.init failed" in str(error) and "a failure that was asked for" in str(error), error
else:
    raise AssertionError("opened")
opened().close()
"""
OTHERS = """
import acl
assert acl.init() == 0
opened().close()
assert acl.rt.set_device(0) == acl.rt.reset_device(0) == 0
"""
KEPT = """
import numpy
session = opened()
kept = session.run({"x": numpy.ones((2, 3), numpy.float32)})
session.close()
"""
THREADS = """
import threading, time
import acl
start = acl.init

def slow():
    time.sleep(0.2)  # lets the other threads go on
    return start()

acl.init = slow
threads = [threading.Thread(target=lambda: opened().close()) for _ in range(3)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


@pytest.fixture
def begin(models: Graphs, fake_acl: Fake) -> str:
    return BEGIN.format(path=str(fake_acl.om(models.one("Relu", (2, 3)))))


@pytest.mark.parametrize(
    ("code", "failing", "starts"),
    [
        (TWICE, "", 1),
        (REFUSED, "acl.init:1", 2),
        (OTHERS + "assert acl.finalize() == 0", "", 2),
        (THREADS, "", 1),
    ],
    ids=["once", "tried again", "someone else's", "threads at once"],
)
def test_a_process_starts_it_and_ends_it_once(begin: str, fake_acl: Fake, code: str, failing: str, starts: int) -> None:
    found = fake_acl.run(begin + code, fail_at=failing)
    assert ledger.calls(found).count("acl.init") == starts
    assert ledger.calls(found).count("acl.finalize") == 1
    assert ledger.wrong(found) == []


def test_an_end_that_fails_disturbs_nobody(begin: str, fake_acl: Fake) -> None:
    """The process has nothing left to do: it ends well."""
    fake_acl.excuse()
    assert "acl.finalize" in ledger.calls(fake_acl.run(begin + TWICE, fail_at="acl.finalize:1"))


def test_it_ends_after_the_memory_of_arrays_that_are_kept_to_the_end(begin: str, fake_acl: Fake) -> None:
    """Also where another library was there first that cleans up at the end of Python, as tempfile does."""
    found = fake_acl.run("import tempfile\ntempfile.TemporaryDirectory()\n" + begin + KEPT)
    assert ledger.calls(found)[-2:] == ["acl.rt.reset_device", "acl.finalize"]
    assert ledger.wrong(found) == []
