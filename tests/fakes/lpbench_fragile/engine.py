"""An engine whose model file is a text; what it does with any other text is in FRAGILE."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import EngineError
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo
from lpbench.testing import EngineCase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONTENT = b"a model that must not change, not even a little"
SLEEP = "import time; time.sleep(60)"


def case(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return the model and its inputs."""
    path = folder / "model.fragile"
    path.write_bytes(CONTENT)
    feeds = {"x": np.zeros((1, 2), np.float32)}
    return EngineCase(model=Model("fragile", path), feeds=feeds, other=feeds)


class Fragile(Engine[Any]):
    """Looks at the file and does what FRAGILE says if it is another one."""

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return a session, or commit the fault."""
        if model.path.read_bytes() != CONTENT:
            FAULTS[os.environ.get("FRAGILE", "refuse")](model.path)
        return Doubling()


class Doubling(Session):
    """Doubles."""

    inputs = outputs = (TensorInfo("x", "float32", (1, 2)),)

    def run(self, feeds: Feeds, /) -> Outputs:
        """Double."""
        return {"x": feeds["x"] * 2}

    def close(self) -> None:
        """Do nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Return facts."""
        return {"version": "1.0", "device": "cpu", "processor": "CPU"}


def _refuse(path: Path) -> None:
    raise EngineError("is another model", where=str(path))


def _raise(path: Path) -> None:
    raise ValueError(f"{path.name} is odd")


def _crash(path: Path) -> None:
    ctypes.string_at(0)


def _start_and_crash(path: Path) -> None:
    subprocess.Popen([sys.executable, "-c", f"import os; os.fork() and os._exit(0); os.setsid(); {SLEEP}"])
    _crash(path)


def _write_beside(path: Path) -> None:
    (path.parent.parent / "escaped").write_bytes(b"")


FAULTS: dict[str, Callable[[Path], None]] = {
    "refuse": _refuse,
    "raise": _raise,
    "crash": _crash,
    "exit": lambda _: os._exit(3),
    "start": _start_and_crash,
    "escape": _write_beside,
}
