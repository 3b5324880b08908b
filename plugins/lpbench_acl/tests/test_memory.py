"""Device memory on the fake: what a session says that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.lpbench_acl.tests.networks import network

from lpbench_acl._calls import calls
from lpbench_acl._memory import device_memory

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs


@pytest.fixture
def convolution(models: Graphs, fake_acl: Fake) -> Path:
    return fake_acl.om(models.convolution((1, 3, 32, 32)))


def test_uses_add_up_to_the_total(convolution: Path, open_session: Opener) -> None:
    session = open_session(convolution)
    held = dict(session.memory() or {})
    assert held.pop("total") == sum(held.values())
    assert held["tensors"] == 4 * (3 * 32 * 32 + 8)
    assert held["weights"] >= 4 * 8 * 3 * 3 * 3
    assert held["activations"] >= 0


def test_of_gears_the_largest_is_held(fake_acl: Fake, tmp_path: Path, open_session: Opener) -> None:
    """Whichever is in force; what holds the gear itself is not the user's."""
    path = fake_acl.om(network(tmp_path, "n"), input_shape="x:-1,3", dynamic_batch_size="1,8")
    session = open_session(path)
    before = dict(session.memory() or {})
    session.run({"x": np.ones((1, 3), np.float32)})
    assert session.memory() == before
    assert before["tensors"] == 8 * 4 * (3 + 4)


def test_where_uses_are_not_told_the_total_is_what_opening_took(
    convolution: Path, open_session: Opener, fake_acl: Fake
) -> None:
    fake_acl.set(fail_at="acl.mdl.query_size:1")
    session = open_session(convolution)
    held = dict(session.memory() or {})
    assert set(held) == {"tensors", "total"}
    assert held["total"] > held["tensors"]
    assert session.memory() == held


def test_npus_of_either_memory_tell_what_is_free(
    convolution: Path, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has no HBM refuses the question, or answers 0 of 0; and one that tells nothing is no error."""
    session = open_session(convolution)
    session.memory()
    whole = device_memory(calls())
    assert whole
    assert 0 < whole[0] < whole[1]
    answers = {0: (3, 10, 0), 1: (0, 0, 0)}
    monkeypatch.setattr(fake_acl.module.rt, "get_mem_info", lambda kind: answers[kind])
    assert device_memory(calls()) == (3, 10)
    answers.update({0: (0, 0, 0), 1: (4, 20, 0)})
    assert device_memory(calls()) == (4, 20)
    answers.update({0: (3, 10, 0), 1: (0, 0, 107016)})
    assert device_memory(calls()) == (3, 10)
    answers[0] = (3, 10, 100000)
    assert device_memory(calls()) is None


def test_pages_are_those_asked_for(
    convolution: Path, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    allocate = fake_acl.module.rt.malloc

    def noted(size: int, pages: int) -> object:
        asked.append(pages)
        return allocate(size, pages)

    monkeypatch.setattr(fake_acl.module.rt, "malloc", noted)
    for policy, memory in enumerate(("huge-first", "huge-only", "normal")):
        asked.clear()
        open_session(convolution, memory=memory)
        assert set(asked) == {policy}
