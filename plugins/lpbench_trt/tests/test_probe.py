"""What ``lpbench engines --probe`` says where TensorRT cannot be used: the reason, and what to do; over the fake."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from plugins.lpbench_trt.tests.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CODE = """
import json, sys
from pathlib import Path
from lpbench_trt import _probe
print(json.dumps(_probe.probe(Path({root!r}))))
"""

Probe = Any


@pytest.fixture
def probe(fake_sites: Mapping[str, Path], tmp_path: Path) -> Probe:
    """Return a function that probes in a process with a version of the fake, and variables of its environment."""

    def run(version: str = "10", site: Path | None = None, **variables: str) -> dict[str, Any]:
        library = Library(site or fake_sites[version], tmp_path, {"FAKE_TENSORRT": version, **variables})
        found: dict[str, Any] = library.ask("-c", CODE.format(root=str(tmp_path / "root")))
        assert set(found) >= {"devices", "unusable", "hints"}
        return found

    return run


@pytest.fixture
def jetson(tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3\n", encoding="ascii")


@pytest.mark.parametrize("version", ["8", "10", "11"])
def test_a_device_that_computes_is_found(probe: Probe, version: str) -> None:
    found = probe(version, FAKE_DEVICES="2")
    assert found["devices"] == ["gpu:0", "gpu:1"]
    assert found["version"].startswith(version)
    assert found["names"]["gpu:1"]
    assert found["compute_capabilities"]["gpu:0"] == "8.7"
    assert found["cuda_runtime"] == ("13.0" if version == "11" else "12.6")
    assert found["unusable"] == {}
    assert "hint" not in found


def test_dla_cores_are_devices(probe: Probe) -> None:
    assert probe(FAKE_DLA_CORES="2")["devices"] == ["gpu:0", "dla:0", "dla:1"]


def test_no_driver(probe: Probe) -> None:
    found = probe(FAKE_NO_DRIVER="35")
    assert found["devices"] == []
    assert "no NVIDIA driver" in found["unusable"]["gpu"]
    assert "nvidia-smi" in found["hint"]
    assert "--gpus all" in found["hint"]
    assert found["version"].startswith("10")


def test_no_device(probe: Probe) -> None:
    found = probe(FAKE_NO_DRIVER="100")
    assert found["devices"] == []
    assert "cudaErrorNoDevice" in found["unusable"]["gpu"]
    assert "CUDA_VISIBLE_DEVICES" in found["hint"]


def test_a_driver_that_is_too_old_for_the_runtime(probe: Probe, fake_sites: Mapping[str, Path], tmp_path: Path) -> None:
    patch = "from lpbench_trt._cuda import Cuda; Cuda.driver_version = lambda self: '11.4'"
    found = Library(fake_sites["10"], tmp_path, {"FAKE_TENSORRT": "10"}).ask("-c", patch + CODE.format(root="/"))
    assert found["devices"] == []
    assert "the driver supports CUDA 11.4, and the installed CUDA runtime is 12.6" in found["unusable"]["gpu"]
    assert "newer NVIDIA driver" in found["hint"]


def without(site: Path, folder: Path, change: Callable[[Path], object]) -> Path:
    """Return a copy of the fake's folder with something missing."""
    changed = folder / "changed"
    shutil.copytree(site, changed)
    change(changed)
    return changed


def test_a_library_that_does_not_load_is_named(probe: Probe, fake_sites: Mapping[str, Path], tmp_path: Path) -> None:
    def change(site: Path) -> None:
        words = "libnvinfer.so.10: cannot open shared object file: No such file or directory"
        shutil.rmtree(site / "tensorrt")
        (site / "tensorrt").mkdir()
        (site / "tensorrt/__init__.py").write_text(f"raise ImportError({words!r})\n", encoding="utf-8")

    found = probe(site=without(fake_sites["10"], tmp_path, change))
    assert found["devices"] == []
    assert "libnvinfer.so.10" in found["unusable"]["gpu"]
    assert "LD_LIBRARY_PATH" in found["hint"]


def test_a_namesake_is_not_taken_for_the_library(probe: Probe, fake_sites: Mapping[str, Path], tmp_path: Path) -> None:
    def change(site: Path) -> None:
        shutil.rmtree(site / "tensorrt")
        (site / "tensorrt").mkdir()
        (site / "tensorrt/__init__.py").write_text("__version__ = '1.0'\n", encoding="utf-8")

    found = probe(site=without(fake_sites["10"], tmp_path, change))
    assert found["devices"] == []
    assert "not NVIDIA's" in found["unusable"]["gpu"]


@pytest.mark.parametrize(("compute", "devices"), [("75", []), ("86", ["gpu:0"])])
def test_tensorrt_rtx_is_used_alone_and_needs_a_newer_gpu(
    probe: Probe, fake_sites: Mapping[str, Path], tmp_path: Path, compute: str, devices: list[str]
) -> None:
    def change(site: Path) -> None:
        (site / "tensorrt").rename(site / "tensorrt_rtx")

    found = probe("11", without(fake_sites["11"], tmp_path, change), FAKE_COMPUTE=compute)
    assert found["library"] == "tensorrt_rtx"
    assert found["devices"] == devices
    if not devices:
        assert "needs 8.0 (Ampere) or later" in found["unusable"]["gpu:0"]
        assert "in place of TensorRT-RTX" in found["hint"]


def test_a_missing_cuda_runtime_is_named(probe: Probe, fake_sites: Mapping[str, Path], tmp_path: Path) -> None:
    """The fake needs its own, so the search is what finds none."""
    patch = "from lpbench_trt import _cuda; _cuda._places = lambda: ['libcudart.so.0']"
    found = Library(fake_sites["10"], tmp_path, {"FAKE_TENSORRT": "10"}).ask("-c", patch + CODE.format(root="/"))
    assert found["devices"] == []
    assert "libcudart" in found["unusable"]["gpu"]
    assert "pip install nvidia-cuda-runtime" in found["hint"]


def test_on_a_jetson_the_remedy_is_jetpack(
    probe: Probe, jetson: None, fake_sites: Mapping[str, Path], tmp_path: Path
) -> None:
    """A version that JetPack does not bring, and a library that is not there."""
    found = probe("11", FAKE_NO_DRIVER="35")
    assert "there is no JetPack with this version" in found["hint"]
    assert "nvidia-jetpack" in found["hint"]
    assert "JetPack" not in probe("10", FAKE_NO_DRIVER="35")["hint"]

    def change(site: Path) -> None:
        shutil.rmtree(site / "tensorrt")

    found = probe(site=without(fake_sites["10"], tmp_path, change))
    assert "nvidia-jetpack" in found["hint"]


def test_a_gpu_that_does_not_run_a_model_is_no_device(probe: Probe) -> None:
    found = probe(FAKE_DEVICE_MEMORY="1000")
    assert found["devices"] == []
    assert "gpu:0" in found["unusable"]
    assert found["hint"]
