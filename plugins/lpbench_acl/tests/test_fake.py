"""The fake of AscendCL does what the vendor documents, and catches who does not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import X, network, pooled, sums

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake


@pytest.mark.parametrize("run_mode", [0, 1])
def test_the_vendors_calls_in_the_vendors_order_leave_an_empty_ledger(
    fake_acl: Fake, tmp_path: Path, run_mode: int
) -> None:
    fake_acl.set(run_mode=run_mode)
    running = bare.Bare(str(fake_acl.om(network(tmp_path))))
    assert np.array_equal(running.run({"x": X})["y"], bare.expected(X))
    assert np.array_equal(running.run_waiting({"x": 2 * X})["y"], bare.expected(2 * X))
    running.close()


def test_every_gear_of_a_batch_computes(fake_acl: Fake, tmp_path: Path) -> None:
    model = fake_acl.om(network(tmp_path, "n"), input_shape="x:-1,3", dynamic_batch_size="1,2,4")
    running = bare.Bare(str(model))
    for batch in (4, 1, 2):
        x = np.resize(X, (batch, 3))
        running.set_batch(batch)
        assert np.array_equal(running.run({"x": x})["y"], bare.expected(x))
    running.close()


def test_every_gear_of_an_image_size_computes(fake_acl: Fake, tmp_path: Path) -> None:
    model = fake_acl.om(pooled(tmp_path), input_shape="x:1,3,-1,-1", dynamic_image_size="4,4;8,6")
    running = bare.Bare(str(model))
    for height, width in ((4, 4), (8, 6)):
        running.set_image(height, width)
        y = running.run({"x": np.ones((1, 3, height, width), np.float32)})["y"]
        assert np.array_equal(y, np.ones((1, 3, height // 2, width // 2)))
    running.close()


def test_every_gear_of_dims_computes(fake_acl: Fake, tmp_path: Path) -> None:
    options = {"input_shape": "a:-1,-1;b:-1,-1", "dynamic_dims": "1,2,1,2;2,3,2,3", "input_format": "ND"}
    running = bare.Bare(str(fake_acl.om(sums(tmp_path), **options)))
    for shape in ((1, 2), (2, 3)):
        running.set_dims([*shape, *shape])
        a = np.ones(shape, np.float32)
        assert np.array_equal(running.run({"a": a, "b": 2 * a})["total"], 3 * a)
    running.close()


def test_threads_with_a_context_each_compute_at_the_same_time(fake_acl: Fake, tmp_path: Path) -> None:
    model = str(fake_acl.om(network(tmp_path)))
    outer = bare.Device()
    right: list[bool] = []

    def work(factor: int) -> None:
        device = bare.Device()
        running = bare.Bare(model, device)
        right.extend(np.array_equal(running.run({"x": factor * X})["y"], bare.expected(factor * X)) for _ in range(50))
        running.close()
        device.close()

    threads = [threading.Thread(target=work, args=(factor,)) for factor in (1, 2, 3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    bare.call("rt.set_context", outer.context)
    outer.close()
    assert right == [True] * 150


@pytest.mark.parametrize("run_mode", [0, 1])
def test_processes_that_a_test_starts_have_the_fake_too(fake_acl: Fake, tmp_path: Path, run_mode: int) -> None:
    code = f"""
import bare, numpy
running = bare.Bare({str(fake_acl.om(network(tmp_path)))!r})
x = numpy.ones((2, 3), numpy.float32)
assert numpy.array_equal(running.run({{"x": x}})["y"], bare.expected(x))
running.close()
"""
    assert {entry.what for entry in fake_acl.run(code, run_mode=run_mode)} == {"call"}
