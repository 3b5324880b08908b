"""Finding CUDA's runtime library: where NVIDIA's packages put it, or the reason why there is none."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from lpbench.testing.setups import python

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

ASK = """
from lpbench.plugin.engine import EngineError
from lpbench_trt import _cuda
_cuda.SONAMES, _cuda.SYSTEM = (), _cuda.Path("/nonexistent")
_cuda.ctypes.util.find_library = lambda name: None
try:
    print(_cuda.cuda().runtime_version())
except EngineError as error:
    print(error)
"""


def test_without_the_library_the_remedy_is_its_package(tmp_path: Path) -> None:
    found = python(ASK, {"PYTHONPATH": str(tmp_path)})
    assert "libcudart, CUDA's runtime library, is not found\n  pip install nvidia-cuda-runtime" in found


def test_a_library_that_cannot_be_loaded_is_named_with_the_reason(tmp_path: Path) -> None:
    library = tmp_path / "nvidia" / "cuda_runtime" / "lib" / "libcudart.so.12"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"cut")
    found = python(ASK, {"PYTHONPATH": str(tmp_path)})
    assert f"is not found: {library}: file too short" in found


def test_a_library_without_the_functions_is_refused(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    library = tmp_path / "nvidia" / "cu13" / "lib" / "libcudart.so.13"
    library.parent.mkdir(parents=True)
    (tmp_path / "none.c").write_text("int cudaNothing(void) { return 0; }\n", encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "none.c")], check=True)
    assert "libcudart lacks cudaGetDeviceCount" in python(ASK, {"PYTHONPATH": str(tmp_path)})


@pytest.mark.parametrize(("version", "cuda"), [("10", "12.6"), ("11", "13.0")])
def test_the_packages_of_either_name_are_found(fake_tensorrt: Fake, version: str, cuda: str) -> None:
    """CUDA 12's lie in cuda_runtime, CUDA 13's in cu13."""
    assert python(ASK, {"PYTHONPATH": str(fake_tensorrt.sites[version])}).strip() == cuda
