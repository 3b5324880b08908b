"""The device's own spans on the fake, whose clock advances by what is copied and computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

SMALL, LARGE = (1, 3), (1, 300_000)


def test_copies_and_computing_are_told_apart(models: Graphs, open_session: Opener) -> None:
    """More bytes take longer to copy, both ways; each part is a number of nanoseconds."""
    spans = []
    for shape in (SMALL, LARGE):
        session = open_session(models.one("Relu", shape), profile=True)
        session.run({"x": np.ones(shape, np.float32)})
        spans.append(dict(session.device_spans() or {}))
    small, large = spans
    assert list(small) == ["h2d", "compute", "d2h"]
    assert all(isinstance(ns, int) and ns > 0 for ns in small.values())
    assert large["h2d"] > 10 * small["h2d"]
    assert large["d2h"] > 10 * small["d2h"]


def test_spans_are_of_the_last_run_and_of_none_before_it(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.one("Relu"), profile=True)
    assert session.device_spans() is None
    session.run({"x": np.ones((1, 3), np.float32)})
    assert session.device_spans() is not None


def test_sessions_without_a_profile_record_no_events(models: Graphs, open_session: Opener, fake_tensorrt: Fake) -> None:
    """They would cost time in every run."""
    fake_tensorrt.begin()
    session = open_session(models.one("Relu"))
    session.run({"x": np.ones((1, 3), np.float32)})
    assert session.device_spans() is None
    assert "cudaEventRecord" not in {entry.name for entry in fake_tensorrt.report()}
