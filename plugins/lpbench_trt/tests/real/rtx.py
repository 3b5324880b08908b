"""NVIDIA's TensorRT-RTX: real libraries that parse models and build plans on machines without a GPU.

Fetched by exact file and digest, unpacked, never installed: 234 MB.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from plugins.lpbench_trt.tests.library import Library
from plugins.lpbench_trt.tests.real import wheels

from lpbench.plugin.kit.downloads import Package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = "1.7.1.116"
NAME = "tensorrt-rtx-cu13"
LIBRARIES = (95153708, "e3fd45fed001240d63304e77a2d4006319b839994237cb294b6e7ad72acaabcd")
BINDINGS: Mapping[str, tuple[int, str]] = {
    "310": (1232766, "f357cebfed83af6cbd1d3b172632cd9c6bb06a39e8296a8d3c11a9edd2fae357"),
    "311": (1232170, "6a4d2bf39a98b71238046b9a9dd22d0e6b146be90cd56ac09f1e068933e4e18d"),
    "312": (1227705, "52fb62cb86b922637848f5971b53153bf2e091c33948fa89efd215abaa52b044"),
    "313": (1227578, "f15cdb560cf2d926405789985509f5496e378ba457a7fb657592ce7f7311c0ff"),
}
"""Bytes and SHA-256 of the wheel for each Python."""
MODULE = "from tensorrt_rtx_bindings import *\nfrom tensorrt_rtx_bindings import __version__\n"
"""What the distribution that gives the module its usual name consists of; it cannot be built without NVIDIA's index."""


def unpacked(folder: Path) -> Library:
    """Unpack the library into a folder; skip the test where this machine cannot use it."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64: the pinned wheels are for it")
    if wheels.PYTHON not in BINDINGS:
        pytest.skip(f"needs python <3.{int(max(BINDINGS)[1:]) + 1}: no newer wheel of TensorRT-RTX")
    site = folder / "site"
    for kind, tag, (size, digest) in (
        ("libs", "py3", LIBRARIES),
        ("bindings", f"cp{wheels.PYTHON}", BINDINGS[wheels.PYTHON]),
    ):
        name = f"{NAME}-{kind}"
        file = f"{name.replace('-', '_')}-{VERSION}-{tag}-none-manylinux_2_28_x86_64.whl"
        with ZipFile(wheels.fetched(Package("pip", name, VERSION, file, digest, size, "NVIDIA's", {}))) as wheel:
            wheel.extractall(site)
    (site / "tensorrt_rtx").mkdir()
    (site / "tensorrt_rtx" / "__init__.py").write_text(MODULE, encoding="utf-8")
    return Library(site, folder)
