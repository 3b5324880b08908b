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


@pytest.fixture
def begin(models: Graphs, fake_acl: Fake) -> str:
    return BEGIN.format(path=str(fake_acl.om(models.one("Relu", (2, 3)))))


@pytest.mark.parametrize(
    ("code", "failing", "starts"),
    [(TWICE, "", 1), (REFUSED, "acl.init:1", 2), (OTHERS + "assert acl.finalize() == 0", "", 2)],
    ids=["once", "tried again", "someone else's"],
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
