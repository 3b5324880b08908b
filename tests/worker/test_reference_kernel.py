"""The yardstick's kernel and its worker, on real numpy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lpbench.jobs.measuring.recording import columns_of
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.reference_kernel import DROPPED, PARTS, environment
from lpbench.worker.requests import MeasureSlice, OpenReferenceKernel

np = pytest.importorskip("numpy", reason="needs numpy")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_does_the_work_that_its_version_stands_for(threads: int) -> None:
    from lpbench.worker.reference_kernel import Yardstick

    kernel = Yardstick(threads)
    (forth, _), (first, second) = kernel._rotations, (each.copy() for each in kernel._links)
    for _ in range(PARTS + 1):
        kernel.run({})
    np.testing.assert_allclose(kernel._product, kernel._filters @ kernel._values, rtol=1e-4)
    assert [float(part.min()) for part in kernel._parts] == [3, 2]
    assert [float(part.max()) for part in kernel._parts] == [3, 2]
    np.testing.assert_allclose(kernel._links[0], first, atol=1e-3)  # there and back
    np.testing.assert_allclose(kernel._links[1], second if threads == 1 else forth @ first, atol=1e-3)


def test_units_say_what_they_depend_on() -> None:
    from lpbench.worker.reference_kernel import Yardstick

    facts = Yardstick(2).describe()
    assert facts["version"] == 2
    assert facts["threads"] == 2
    assert facts["numpy"] == np.__version__
    assert facts["blas"]


def test_variables_that_change_the_kernel_do_not_reach_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    options = WorkerOptions(environment(1), drop=DROPPED)
    assert "OPENBLAS_CORETYPE" not in options.variables()
    assert options.variables()["OPENBLAS_NUM_THREADS"] == "1"
    assert "PATH" not in os.environ or options.variables()["PATH"] == os.environ["PATH"]
    with Worker(options) as worker:
        facts = worker.request(OpenReferenceKernel())
        assert "Prescott" not in facts["blas"].split()
        reads = columns_of(worker.request(MeasureSlice(5)).block)
    assert min(reads["inference"]) > 10_000


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_the_kernel_computes_in_as_many_threads_as_asked_for() -> None:
    """An OpenBLAS keeps one thread less than it computes in; the worker has some of its own besides."""
    counts = {}
    for threads in (1, 2):
        with Worker(WorkerOptions(environment(threads), drop=DROPPED)) as worker:
            facts = worker.request(OpenReferenceKernel(threads))
            worker.request(MeasureSlice(5))
            counts[facts["threads"]] = len(list(Path(f"/proc/{worker.pid}/task").iterdir()))
    if "OpenBLAS" in facts["blas"].split():
        assert counts[2] == counts[1] + 1
