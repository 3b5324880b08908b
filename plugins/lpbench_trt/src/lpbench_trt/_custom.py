"""Libraries with custom layers, which plans and models may need."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt._library import trt
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Iterable

WHERE = 'option "plugins"'


def load(plugins: Iterable[str]) -> None:
    """Load TensorRT's own layers and those of the user's libraries; each once in a process.

    :raises EngineError: A library is missing or cannot be loaded.
    """
    _own()
    for path in paths(plugins):
        _load(path)


def paths(plugins: Iterable[str]) -> list[Path]:
    """Return the files of libraries with custom layers."""
    return [Path(name).resolve() for name in plugins]


@functools.cache
def _own() -> None:
    if hasattr(trt, "init_libnvinfer_plugins"):
        trt.init_libnvinfer_plugins(log(), "")


@functools.cache
def _load(path: Path) -> None:
    if not path.is_file():
        raise EngineError(f"the library {path} is not there", where=WHERE, hint="give the path of a shared library")
    registry: trt.IPluginRegistry = trt.get_plugin_registry()
    if not hasattr(registry, "load_library") or registry.load_library(str(path)) is None:
        _link(path)


def _link(path: Path) -> None:
    """Load a library whose layers register themselves: TensorRT takes such a one for registered already."""
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        hint = "build it for this machine and this version of TensorRT"
        raise EngineError(f"cannot load the library {path}: {error}", where=WHERE, hint=hint) from error
