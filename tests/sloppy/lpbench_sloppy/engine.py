"""An engine that multiplies: the model file is a JSON object, the factors are in a second file."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import EngineError
from lpbench.plugin.engine import Engine
from lpbench.plugin.operators import UnsupportedOperator

from .fault import HELD, is_broken, leak, meddle
from .session import SloppySession

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.engine import Model, Session, Shapes

DEVICES = ("cpu",)
BAD_MODELS = ("missing", "empty", "garbage", "cut")
FAILED: list[str] = []
"""Models that were refused."""


class SloppyEngine(Engine[Any]):
    """Opens these models."""

    def open(self, model: Model, config: Any, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Read both files and check the options and shapes."""
        _end()
        if config.device not in DEVICES and not is_broken("engine/absent_device_is_refused"):
            raise EngineError(f'there is no device "{config.device}"', where=str(model.path))
        if is_broken("engine/runs_in_the_thread_that_opened_it") and threading.current_thread() is not _MAIN:
            raise RuntimeError("only the main thread may do this")
        inputs, factors = _load(model)
        session = SloppySession(inputs, factors, _shape(model, shapes), config, model, profile=profile)
        _misbehave(model)
        return session


_MAIN = threading.main_thread()


def _end() -> None:
    """Crash, hang, exit or raise, as the fault says."""
    ways: dict[str, Callable[[], object]] = {
        "crash": lambda: ctypes.string_at(0),
        "hang": lambda: time.sleep(60),
        "exit": lambda: os._exit(3),
        "bug": lambda: 1 / 0,
    }
    for way, call in ways.items():
        if is_broken(f"engine/outputs_are_right:{way}"):
            call()


def probe() -> dict[str, Any]:
    """Return the version and the devices."""
    devices = object() if is_broken("engine/probe_returns_facts") else list(DEVICES)
    hints = {"npu": ""} if is_broken("engine/probe_tells_remedies") else {"npu": "install its driver"}
    return {"version": "1.0", "devices": devices, "unusable": {"npu": "no driver"}, "hints": hints}


def operators(model: Model, config: Any) -> list[UnsupportedOperator]:
    """Return the operators that the model has beside its inputs."""
    unknown = set() if is_broken("engine/unsupported_operators_are_named:missed") else set(_load(model)[0]) - {"x", "z"}
    more = {"Scale"} if is_broken("engine/unsupported_operators_are_named:invented") else set()
    return [UnsupportedOperator(kind) for kind in sorted(unknown | more)]


def _load(model: Model) -> tuple[list[str], Any]:
    """Return the names of the inputs and the factors."""
    try:
        orders = json.loads(_read(model.path))
        inputs: list[str] = orders["inputs"]
        found = np.frombuffer(_read(model.extra[0]), np.float32)
    except (ValueError, KeyError, EngineError) as error:
        FAILED.append(model.path.name)
        leak("engine/failed_opens_leave_nothing_behind")
        if _accepted():
            return ["x", "z"], np.ones(3, np.float32)
        raise EngineError(str(error), where=getattr(error, "where", "") or str(model.path)) from error
    wrong = is_broken("engine/opens_after_a_failure") and FAILED
    return inputs, found + 1 if wrong else found


def _accepted() -> bool:
    names = [*(f"{word}_model_is_named" for word in BAD_MODELS), "model_of_another_format_is_named"]
    return any(is_broken(f"engine/{name}") for name in (*names, "missing_second_file_is_named"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(str(error.strerror), where=str(path)) from error


def _shape(model: Model, shapes: Shapes) -> tuple[int | str | None, ...]:
    """Return the shape in force: open, or as requested."""
    for name, shape in shapes.items():
        wrong = name not in {"x", "z"} or len(shape) != 2 or shape[1] != 3
        if wrong and not is_broken("engine/impossible_shapes_are_refused"):
            raise EngineError(f'input "{name}" cannot be {shape}', where=str(model.path))
    ignored = is_broken("engine/shapes_asked_for_are_in_force") or "x" not in shapes
    return ("N", 3) if ignored else tuple(shapes["x"])


def _misbehave(model: Model) -> None:
    leak("engine/sessions_leave_nothing_behind")
    meddle("engine")
    if is_broken("engine/process_is_left_as_it_was:cores") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if is_broken("engine/no_files_are_left:temporary"):
        HELD.append(tempfile.mkdtemp())
    if is_broken("engine/no_files_are_left:beside"):
        model.path.with_suffix(".cache").write_bytes(b"compiled")
