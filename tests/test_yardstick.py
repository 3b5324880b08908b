"""The yardstick's kernel and its worker, on real numpy."""

from __future__ import annotations

import os

import pytest

from lpbench.client import Worker, WorkerOptions
from lpbench.measure import columns_of
from lpbench.yardstick import DROPPED, ENVIRONMENT, ROUNDS

np = pytest.importorskip("numpy", reason="needs numpy")


def test_the_kernel_does_the_work_that_its_version_stands_for() -> None:
    from lpbench.yardstick import Yardstick

    kernel = Yardstick()
    before = kernel._stream.copy()
    kernel.run({})
    np.testing.assert_allclose(kernel._product, kernel._matrix @ kernel._matrix, rtol=1e-5)
    np.testing.assert_allclose(kernel._stream, before + ROUNDS, rtol=1e-6)


def test_units_say_what_they_depend_on() -> None:
    from lpbench.yardstick import Yardstick

    facts = Yardstick().describe()
    assert facts["version"] == 1
    assert facts["numpy"] == np.__version__
    assert facts["blas"]


def test_variables_that_change_the_kernel_do_not_reach_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    options = WorkerOptions(ENVIRONMENT, drop=DROPPED)
    assert "OPENBLAS_CORETYPE" not in options.variables()
    assert options.variables()["OPENBLAS_NUM_THREADS"] == "1"
    assert "PATH" not in os.environ or options.variables()["PATH"] == os.environ["PATH"]
    with Worker(options) as worker:
        facts, _ = worker.ask("open_yardstick", "loading")
        assert "Prescott" not in facts["blas"].split()
        reads = columns_of(worker.ask("measure", "measuring", count=5)[1])
    assert min(reads["inference"]) > 10_000
