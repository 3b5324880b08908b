"""The monitors."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import Monitor, MonitorTarget, Reading, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings


class Steady(Monitor):
    """Has two metrics, and one that is read once before and after."""

    def sample(self) -> Readings:
        """Return a load and a power."""
        return {
            "GPU_LOAD": Reading(50.0, "%", "device", "made up"),
            "POWER_CONSUMPTION": Reading(5.0, "W", "module", "made up"),
        }

    def survey(self) -> Readings:
        """Return something costly."""
        return {"GPU_LOAD/surveyed": Reading(1.0, "%", "device", "made up")}


class Worse(Monitor):
    """Tells what another one tells too, and whether the process has worked since it was last asked."""

    def __init__(self, target: MonitorTarget) -> None:
        """Begin with no time spent."""
        super().__init__(target)
        self._ticks = 0

    def sample(self) -> Readings:
        """Return another load."""
        spent = self.target.files.text(f"proc/{self.target.pid}/stat")
        ticks = sum(map(int, spent.rpartition(")")[2].split()[11:13])) if spent else 0
        worked, self._ticks = ticks > self._ticks > 0, ticks
        load = Reading(99.0, "%", "device", "made up worse")
        return {"GPU_LOAD": load, "WORKED": Reading(float(worked), "1", "process", "stat")}


@dataclass(frozen=True)
class Orders:
    """When it fails, and how.

    :param do: Of ``ACTS``; empty does not fail.
    :param at: enter, sample, survey or leave.
    :param after: Samples that are well before.
    """

    do: str = ""
    at: str = "sample"
    after: int = 2


def _raise() -> Readings:
    raise RuntimeError("the sensor is on fire")


def _hang() -> Readings:
    time.sleep(3600)
    return {}


def _crash() -> Readings:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def _print() -> Readings:
    print("x" * 1_000_000)  # noqa: T201 - as vendors do
    return {}


def _load(value: Any, part: str = "", source: str = "a broken sensor") -> Readings:
    return {f"NPU_LOAD{part}": Reading(value, "%", "device", source)}


def _flood() -> Readings:
    return {key: each for at in range(5000) for key, each in _load(1.0, f"/{at}", "s" * 10_000).items()}


def _lie() -> Readings:
    told: Any = {"NPU_LOAD": "a lot"}
    return told  # type: ignore[no-any-return] # the fault


def _unplugged() -> Readings:
    return {"NPU_LOAD": Unavailable("the sensor was unplugged", "not-read", "plug it in")}


def _mix() -> Readings:
    """Return a metric that is well beside others that are not."""
    now = time.monotonic()
    odd: Any = {
        **{str(at): each for at, each in enumerate([5.0, None, (each for each in "ab"), object()])},
        "huge": Reading(1e308, "1", "device", "x"),
        "counts hugely": Reading(1e308, "1", "device", "x", cumulative=True),
        "no number": Reading(None, "1", "device", "x"),  # type: ignore[arg-type] # the fault
        "far": Reading(1.0, "1", "device", "x", at=now + 1000),
        "never": Reading(1.0, "1", "device", "x", at=float("inf")),
    }
    return {**_load(25.0), "": Reading(1.0, "1", "device", "x"), **{f"ODD/{key}": each for key, each in odd.items()}}


ACTS: dict[str, Callable[[], Readings]] = {
    "": dict,
    "raise": _raise,
    "hang": _hang,
    "exit": lambda: sys.exit(7),
    "crash": _crash,
    "print": _print,
    "flood": _flood,
    "unavailable": _unplugged,
    "nan": lambda: _load(float("nan")),
    "absurd": lambda: _load(-263.2),
    "lie": _lie,
    "mix": _mix,
}


class Faulty(Monitor):
    """Fails."""

    def __init__(self, target: MonitorTarget, config: Orders) -> None:
        """Keep the orders."""
        super().__init__(target, config)
        self._samples = 0

    def __enter__(self) -> Self:
        """Fail if it is time."""
        self._fail("enter")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Fail if it is time."""
        self._fail("leave")

    def sample(self) -> Readings:
        """Return a load, or fail if it is time."""
        self._samples += 1
        if self._samples > self.config.after and (told := self._fail("sample")):
            return told
        return {"NPU_LOAD": Reading(25.0, "%", "device", "made up")}

    def survey(self) -> Readings:
        """Fail if it is time."""
        return self._fail("survey")

    def _fail(self, at: str) -> Readings:
        return ACTS[self.config.do]() if at == self.config.at else {}


class FaultyToo(Faulty):
    """Fails too."""

    def sample(self) -> Readings:
        """Return nothing, or fail if it is time."""
        return self._fail("sample")
