"""An engine whose model file is a JSON object of orders; strict about how it is used.

``work_us`` spins that long in each run; ``at`` ("load", "run", "profile", "operators" or "close") and ``do``
("crash", "exit", "hang", "raise", "print", "exclusive") give the fault, and ``after`` the number of
runs before it.  ``when`` is a folder: no run has the fault until it holds a file called as the option ``extra_us``.
``states`` holds fields of ``inputs`` and ``outputs``, and ``facts``, that it states in place of its own.
``unsupported`` holds fields of the operators that it says it lacks; ``lacks`` is returned in their place as it is.
``layers`` is what a session that was opened for it gives as its profile, and ``spans`` its device's spans.
An exclusive engine can be open in only one process at a time, like some devices.
``slow`` makes each run ``us`` longer as long as there is a file ``when``.
``reports`` has it take ``count`` times ``each_s`` seconds to load, and report after each how much is done.
``kept`` names a file that stands for what it built: where it is there, opening reports nothing and takes no time.
``litter`` names a file: the engine starts processes of every kind as it loads, and writes their numbers there.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lpbench.errors import EngineError
from lpbench.plugin import progress
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes, TensorInfo
from lpbench.plugin.operators import UnsupportedOperator

from . import litter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class FakeConfig:
    """Options of the fake engine."""

    device: str = "cpu"
    threads: int = 1
    extra_us: float = 0.0

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError("threads must be 1 or more")


class FakeEngine(Engine[Any]):
    """Reads the orders."""

    def open(
        self,
        model: Model,
        config: Any,
        /,
        *,
        shapes: Shapes,
        profile: bool = False,
    ) -> Session:
        """Return a session, or commit the file's fault for loading."""
        if not isinstance(config, FakeConfig):
            raise TypeError(f"got {config!r} for a config")
        try:
            orders = json.loads(model.path.read_bytes())
        except (OSError, ValueError) as error:
            raise EngineError(f"cannot load: {error}", where=str(model.path)) from error
        if "litter" in orders:
            litter.start(orders["litter"])
        kept = Path(orders.get("kept", os.devnull))
        found = kept.is_file()
        if not found:
            _report(**orders.get("reports", {}))
        if "kept" in orders:
            kept.touch()
            orders.setdefault("states", {}).setdefault("facts", {})["from_cache"] = found
        _obey(orders, "load")
        if orders.get("do") == "exclusive":
            _take_device(model.path.with_suffix(".lock"))
        return FakeSession(orders, config, profile=profile)


class FakeSession(Session):
    """Doubles a number; refuses every misuse."""

    def __init__(self, orders: Mapping[str, Any], config: FakeConfig, *, profile: bool = False) -> None:
        self._profiled = profile
        self._states = orders.get("states", {})
        self.inputs = (replace(TensorInfo("number", "int64", (1,)), **self._states.get("inputs", {})),)
        self.outputs = (replace(TensorInfo("double", "int64", (1,)), **self._states.get("outputs", {})),)
        self._orders = orders
        self._config = config
        self._thread = threading.get_ident()
        self._left = int(orders.get("after", 0))
        self._when = Path(orders["when"], f"{config.extra_us:g}") if "when" in orders else None
        self._slow = dict(orders.get("slow", {}))
        self._open = True

    def run(self, feeds: Feeds, /) -> Outputs:
        """Spin for the ordered time and double the number."""
        self._check(feeds)
        self._left -= 1
        if self._left < 0 and (self._when is None or self._when.exists()):
            _obey(self._orders, "run")
        end = time.perf_counter_ns() + 1000 * (self._orders.get("work_us", 0) + self._config.extra_us + self._more())
        while time.perf_counter_ns() < end:
            pass
        return {"double": 2 * feeds["number"]}

    def _more(self) -> float:
        """Return by how many microseconds a run takes longer than before."""
        return float(self._slow["us"]) if self._slow and Path(self._slow["when"]).exists() else 0.0

    def close(self) -> None:
        """End the session."""
        if self._open:
            self._open = False
            _obey(self._orders, "close")

    def describe(self) -> Mapping[str, Any]:
        """Return the facts that the tests read."""
        facts = {"version": "1.0", "device": self._config.device, "processor": "CPU", "precision": "S64"}
        seen = {name: os.environ.get(name, "") for name in ("FAKE_TELEMETRY", "FAKE_SEEN")}
        return {**facts, "threads": self._config.threads, "environment": seen, **self._states.get("facts", {})}

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the ordered spans."""
        return self._orders.get("spans")

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return the ordered layers, or commit the fault."""
        if not self._profiled or "layers" not in self._orders:
            return super().profile()
        _obey(self._orders, "profile")
        layers: Sequence[Mapping[str, Any]] = self._orders["layers"]
        return layers

    def _check(self, feeds: Feeds) -> None:
        if not self._open:
            raise EngineError("run after close")
        if threading.get_ident() != self._thread:
            raise EngineError("run from another thread than the one that opened the session")
        if set(feeds) != {"number"} or not isinstance(feeds["number"], int):
            raise EngineError(f"fed {dict(feeds)!r}")


def probe() -> dict[str, Any]:
    """Return a device, or what FAKE_PROBE has in place of it; crash if it says so."""
    asked = os.environ.get("FAKE_PROBE", "{}")
    if asked == "crash":
        ctypes.string_at(0)
    return {"version": "1.0", "devices": ["cpu"], **json.loads(asked)}


def operators(model: Model, config: FakeConfig) -> Any:
    """Return what the model file says; commit its fault for telling."""
    orders = json.loads(model.path.read_bytes())
    _obey(orders, "operators")
    return orders["lacks"] if "lacks" in orders else [UnsupportedOperator(**each) for each in orders["unsupported"]]


def _report(count: int = 0, each_s: float = 0.0) -> None:
    for done in range(count):
        progress.report("building the engine", done / count)
        time.sleep(each_s)


def _obey(orders: Mapping[str, Any], at: str) -> None:
    if orders.get("at") != at:
        return
    wrongs: dict[str, Callable[[], object]] = {
        "crash": lambda: ctypes.string_at(0),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "exit": lambda: os._exit(3),
        "hang": lambda: time.sleep(600),
        "print": lambda: os.write(1, b"vendor banner on standard output\n"),
        "raise": _refuse,
        "bug": lambda: int("no number"),
        "exclusive": lambda: None,
        "spin": _leave_a_thread_spinning,
    }
    wrongs[orders["do"]]()


def _leave_a_thread_spinning() -> None:
    def spin() -> None:
        while True:
            pass

    if not any(each.name == "spinning" for each in threading.enumerate()):
        threading.Thread(target=spin, name="spinning", daemon=True).start()


_taken: list[IO[str]] = []
"""Locks that this process holds until it ends."""


def _take_device(lock: Path) -> None:
    import fcntl  # Windows has no such module

    _taken.append(lock.open("w", encoding="ascii"))
    try:
        fcntl.flock(_taken[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise EngineError("the device is taken") from error


def _refuse() -> None:
    raise EngineError("this model is not liked", where="model.fake", hint="like it")
