"""The builder's timings of kernels in lpbench's cache: none is lost, none is trusted when damaged; over the fake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from plugins.lpbench_trt.tests.test_plans import network, obtained

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

DIGEST = 32
"""Bytes before what TensorRT wrote."""


@pytest.fixture
def folder(fake_tensorrt: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the timings, of a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lpbench" / "tensorrt-timings"


def file(folder: Path) -> Path:
    (found,) = folder.glob("*.timings")
    return found


def operators(folder: Path) -> set[str]:
    return {key.partition("/")[0] for key in json.loads(file(folder).read_bytes()[DIGEST:])["keys"]}


def test_timings_of_two_builds_at_once_are_all_kept(
    fake_tensorrt: Fake, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that ends while another one runs has its timings in the file, and the other adds to them."""
    builder = fake_tensorrt.module.Builder
    build = builder.build_serialized_network

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(builder, "build_serialized_network", build)
        obtained(network(tmp_path / "other.onnx", "Neg"))
        assert operators(folder) == {"Mul", "Neg"}
        return build(*given)

    monkeypatch.setattr(builder, "build_serialized_network", meanwhile)
    obtained(network(tmp_path / "model.onnx", "Relu"))
    assert operators(folder) == {"Mul", "Neg", "Relu"}


def test_damaged_timings_are_left_out(folder: Path, tmp_path: Path) -> None:
    """What TensorRT could read all the same: lpbench's own digest tells."""
    obtained(network(tmp_path / "model.onnx", "Relu"))
    timings = file(folder)
    timings.write_bytes(timings.read_bytes().replace(b"Relu", b"Rolu"))
    obtained(network(tmp_path / "other.onnx", "Neg"))
    assert operators(folder) == {"Mul", "Neg"}
