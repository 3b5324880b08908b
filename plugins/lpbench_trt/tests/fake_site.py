"""Installs the fake of TensorRT and CUDA: a folder for the module search path, laid out as NVIDIA's wheels are."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    import pytest

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


@dataclass(frozen=True)
class Entry:
    """A line of the ledger."""

    pid: int
    what: str
    """misuse, warning, unreleased or call"""
    name: str
    detail: str


def entries(text: str) -> list[Entry]:
    """Return the lines of an account; what was made and is not gone is unreleased."""
    lines = [Entry(**json.loads(line)) for line in text.splitlines()]
    kept: dict[tuple[int, str, str], Entry] = {}
    for each in lines:
        if each.what == "made":
            kept[each.pid, each.name, each.detail] = replace(each, what="unreleased")
        elif each.what == "gone":
            kept.pop((each.pid, each.name, each.detail), None)
    return [each for each in lines if each.what not in {"made", "gone"}] + list(kept.values())


@dataclass
class Fake:
    """The fake as it is installed for one test: here, and in the processes that the test starts.

    What its variables say, which ``set`` and ``run`` take without FAKE_ and in lower case:

    - FAIL_AT=N: the N-th call of anything fails; FAIL_AT=NAME:N the N-th call of NAME
    - LOST_AT=N: from the N-th CUDA call on the device is lost
    - NO_DRIVER=35 or 100: there is no driver, or no device
    - DEVICE_MEMORY=BYTES, DEVICES=N, COMPUTE=87, DLA_CORES=N: what the device is like
    """

    sites: Sites
    ledger: Path
    patch: pytest.MonkeyPatch

    @property
    def module(self) -> ModuleType:
        """The module ``tensorrt`` in this process, version 10."""
        return importlib.import_module("tensorrt")

    def set(self, version: str = "10", **variables: object) -> None:
        """Choose the version for processes started from now on, and set variables of the fake, here and there.

        :param variables: Without their prefix, in lower case, for example ``device_memory=1 << 20``.
        """
        before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        kept = [each for each in before if Path(each).parent != self.sites.folder]
        self.patch.setenv("PYTHONPATH", os.pathsep.join([str(self.sites[version]), *kept]))
        self.patch.setenv("FAKE_TENSORRT", version)
        for name, value in variables.items():
            self.patch.setenv(f"FAKE_{name.upper()}", str(value))

    def report(self) -> list[Entry]:
        """Return the account of this process since the test began."""
        return entries(self.module.fake_report())

    def written(self) -> list[Entry]:
        """Return the account of all processes, this one included; of calls those that are written by now."""
        return entries(self.ledger.read_text(encoding="utf-8")) if self.ledger.exists() else []

    def run(self, code: str, version: str = "10", **variables: object) -> list[Entry]:
        """Run code in a Python process with the fake; returns what the process left in the ledger.

        :param variables: Variables of the fake, as for ``set``.
        """
        self.ledger.unlink(missing_ok=True)
        given = {f"FAKE_{name.upper()}": str(value) for name, value in variables.items()}
        paths = [str(self.sites[version]), str(Path(__file__).parent)]
        environment = os.environ | {"FAKE_TENSORRT": version, "PYTHONPATH": os.pathsep.join(paths), **given}
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=False, timeout=SECONDS, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return self.written()
