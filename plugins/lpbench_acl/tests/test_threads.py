"""Several sessions, threads and NPUs: a context is in force for one thread, and every run puts its own in force."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpbench.testing.setups import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

pytestmark = pytest.mark.long

X = np.random.default_rng(3).standard_normal((1, 3, 8, 8)).astype(np.float32)


def in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_two_sessions_in_one_thread_take_turns(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """Opening, running and closing one changes the thread's context under the other, which puts its own back."""
    path = fake_acl.om(models.one("Neg"))
    first, second = open_session(path), open_session(path)
    for value, session in enumerate((first, second, first, second)):
        assert session.run({"x": np.full((1, 3), value, np.float32)})["y"].tolist() == [[-value] * 3]
    second.close()
    assert first.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    third = open_session(path)
    first.close()
    assert third.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    third.close()
    assert fake_acl.wrong() == []


def test_two_sessions_side_by_side_share_an_npu(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    path = fake_acl.om(models.convolution((1, 3, 8, 8)))
    sessions = [open_session(path) for _ in range(2)]
    expected = np.array(sessions[0].run({"x": X})["y"])
    found = side_by_side(*(lambda each=each: np.array(each.run({"x": X})["y"]) for each in sessions), times=10)
    assert len(found) == 20
    assert all(np.array_equal(each, expected) for each in found)
    sessions[0].close()
    assert np.array_equal(sessions[1].run({"x": X})["y"], expected)
    sessions[1].close()
    assert fake_acl.wrong() == []


def test_a_session_lives_in_a_thread_of_its_own(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """Opened, run and closed there, while another one is open here: the NPU stays open for that one."""
    path = fake_acl.om(models.one("Neg"))
    here = open_session(path)
    found: list[object] = []

    def work() -> None:
        session = open_session(path)
        found.append(session.run({"x": np.full((1, 3), 4, np.float32)})["y"].tolist())
        session.close()

    in_thread(work)
    assert found == [[[-4] * 3]]
    assert here.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    here.close()
    assert fake_acl.wrong() == []


def test_a_session_is_closed_in_another_thread(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """A model can be unloaded in its own context alone, which is put in force where the session is closed."""
    session = open_session(fake_acl.om(models.one("Neg")))
    session.run({"x": np.ones((1, 3), np.float32)})
    in_thread(session.close)
    assert fake_acl.wrong() == []


def test_memory_is_released_late_in_another_thread(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """The last array of a closed session goes in a thread that has no context at all."""
    session = open_session(fake_acl.om(models.one("Neg")))
    kept = [session.run({"x": np.ones((1, 3), np.float32)})["y"]]
    session.close()
    in_thread(kept.clear)
    assert fake_acl.wrong() == []


def test_a_context_of_the_users_own_may_be_in_force(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """An app that uses AscendCL itself between two runs puts another context in force in the same thread."""
    session = open_session(fake_acl.om(models.one("Neg")))
    acl = fake_acl.module
    assert acl.rt.set_device(0) == 0
    context, _ = acl.rt.create_context(0)
    assert session.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    assert acl.rt.set_context(context) == 0
    session.close()
    assert acl.rt.destroy_context(context) == 0
    assert acl.rt.reset_device(0) == 0
    assert fake_acl.wrong() == []


def test_sessions_on_two_npus_alternate(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    fake_acl.set(devices=2)
    path = fake_acl.om(models.one("Neg"))
    sessions: list[Session] = [open_session(path, device=f"npu:{number}") for number in range(2)]
    for session in (*sessions, *sessions):
        assert session.run({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1] * 3]
    assert [session.describe()["device"] for session in sessions] == ["npu:0", "npu:1"]
    for session in sessions:
        session.close()
    assert fake_acl.wrong() == []


@pytest.mark.parametrize("device", ["npu:1", "npu:7"])
def test_an_npu_that_is_not_there_is_refused(models: Graphs, open_session: Opener, fake_acl: Fake, device: str) -> None:
    path = fake_acl.om(models.one("Relu"))
    assert f"there is no device {device}\n  here: npu:0" in open_session.refused(path, device=device)
