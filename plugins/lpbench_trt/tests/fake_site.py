"""Installs the fake of TensorRT and CUDA: a folder for the module search path, laid out as NVIDIA's wheels are."""

from __future__ import annotations

import importlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.testing.fake_library import FakeLibrary
from lpbench.testing.ledger import entries

if TYPE_CHECKING:
    from types import ModuleType

    from lpbench.testing.ledger import Entry

FAKE = Path(__file__).parent / "fake"
VERSIONS = {"8": "8.6.1+fake", "10": "10.16.1+fake", "11": "11.4.0+fake"}
RUNTIMES = {12: ("cuda_runtime", "libcudart.so.12", 12060), 13: ("cu13", "libcudart.so.13", 13000)}
"""The wheel's folder, the library and its version."""
SECONDS = 120


def build(folder: Path, version: str = "10", cuda: int = 12) -> Path:
    """Compile the CUDA runtime and lay out what a wheel would bring; returns the folder for the search path.

    :param folder: A folder of its own, made here.
    """
    wheel, library, number = RUNTIMES[cuda]
    place = folder / "nvidia" / wheel / "lib"
    place.mkdir(parents=True)
    sources = [str(each) for each in sorted((FAKE / "cuda").glob("*.c"))]
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-DCUDA_VERSION={number}"]
    command = ["cc", *options, f"-Wl,-soname,{library}", "-o", str(place / library), *sources]
    subprocess.run(command, check=True, timeout=SECONDS)
    (folder / "tensorrt").symlink_to(FAKE / "tensorrt", target_is_directory=True)
    _metadata(folder, "tensorrt", VERSIONS[version])
    _metadata(folder, f"nvidia_cuda_runtime_cu{cuda}", f"{number // 1000}.{number % 1000 // 10}+fake")
    return folder


def _metadata(site: Path, name: str, version: str) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


@dataclass(frozen=True)
class Sites:
    """The folders for the search path, each built when it is first asked for."""

    folder: Path

    def __getitem__(self, version: str) -> Path:
        site = self.folder / version
        return site if site.exists() else build(site, version, 13 if version == "11" else 12)


@dataclass
class Fake(FakeLibrary):
    """The fake as it is installed for one test: here, and in the processes that the test starts.

    What its variables say, which ``set`` and ``run`` take without FAKE_ and in lower case:

    - FAIL_AT=N: the N-th call of anything fails; FAIL_AT=NAME:N the N-th call of NAME
    - LOST_AT=N: from the N-th CUDA call on the device is lost
    - NO_DRIVER=35 or 100: there is no driver, or no device
    - DEVICE_MEMORY=BYTES, DEVICES=N, COMPUTE=87, DLA_CORES=N: what the device is like
    """

    sites: Sites

    @property
    def module(self) -> ModuleType:
        """The module ``tensorrt`` in this process."""
        return importlib.import_module("tensorrt")

    def begin(self) -> None:
        """Begin a new account in this process."""
        self.module.fake_begin()

    def report(self) -> list[Entry]:
        """Return the account of this process since the test began."""
        return entries(self.module.fake_report())

    def run(self, code: str, version: str = "10", **variables: object) -> list[Entry]:
        """Run code in a Python process with the fake of a version; returns what the process left in the ledger.

        :param variables: Variables of the fake, as for ``set``.
        """
        paths = [self.sites[version], Path(__file__).parent]
        return self.run_in_process(code, paths, tensorrt=version, **variables)
