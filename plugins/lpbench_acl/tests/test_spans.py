"""The device's own spans on the fake, whose clock advances by what is copied and computed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

SMALL, LARGE = (1, 3), (1, 300_000)


def test_copies_and_computing_are_told_apart(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """More bytes take longer to copy, both ways; to compute they do not, on the fake."""
    spans = []
    for shape in (SMALL, LARGE):
        session = open_session(fake_acl.om(models.one("Relu", shape)), profile=True)
        session.run({"x": np.ones(shape, np.float32)})
        spans.append(dict(session.device_spans() or {}))
        session.close()
    small, large = spans
    assert list(small) == ["h2d", "compute", "d2h"]
    assert all(isinstance(ns, int) and ns > 0 for ns in small.values())
    assert large["h2d"] > 10 * small["h2d"]
    assert large["d2h"] > 10 * small["d2h"]
    assert large["compute"] == small["compute"]


def test_spans_are_of_the_last_run_and_of_none_before_it(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    session = open_session(fake_acl.om(models.one("Relu")), profile=True)
    assert session.device_spans() is None
    session.run({"x": np.ones((1, 3), np.float32)})
    assert session.device_spans() is not None
    fake_acl.module.fake_begin()
    fake_acl.set(fail_at="acl.mdl.execute_async:1")
    with pytest.raises(EngineError):
        session.run({"x": np.ones((1, 3), np.float32)})
    assert session.device_spans() is None


@pytest.mark.parametrize(("asynchronous", "profile"), [(True, False), (False, True)])
def test_sessions_that_cannot_tell_or_need_not_record_no_events(
    models: Graphs, open_session: Opener, fake_acl: Fake, *, asynchronous: bool, profile: bool
) -> None:
    """They would cost time in every run; calls that wait each by itself are on no stream."""
    session = open_session(fake_acl.om(models.one("Relu")), asynchronous=asynchronous, profile=profile)
    session.run({"x": np.ones((1, 3), np.float32)})
    assert session.device_spans() is None
    assert "acl.rt.record_event" not in {entry.name for entry in fake_acl.report()}


@pytest.mark.parametrize("told", [math.nan, math.inf, "1", None])
def test_a_time_that_is_none_is_an_error(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    session = open_session(fake_acl.om(models.one("Relu")), profile=True)
    session.run({"x": np.ones((1, 3), np.float32)})
    monkeypatch.setattr(fake_acl.module.rt, "event_elapsed_time", lambda *_: (told, 0))
    with pytest.raises(EngineError, match="event_elapsed_time returned"):
        session.device_spans()


def test_clocks_that_run_back_give_no_time(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(fake_acl.om(models.one("Relu")), profile=True)
    session.run({"x": np.ones((1, 3), np.float32)})
    monkeypatch.setattr(fake_acl.module.rt, "event_elapsed_time", lambda *_: (-0.001, 0))
    assert session.device_spans() == {"h2d": 0, "compute": 0, "d2h": 0}
