"""What jetson-stats tells (https://rnext.it/jetson_stats, "jtop" in its reference), where its user installed it.

It is asked through its own interface, which talks to the service ``jtop.service``.  Powers are in mW.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import re
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import METRICS, Monitor, Reading, Unavailable
from lpbench_monitors import _keys, _rails

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings

SOURCE = "jtop"
GIVEN = ("CPU_TEMP", "GPU_TEMP", "GPU_LOAD", _rails.METRIC)
INSTALL = "sudo pip install jetson-stats, then sudo systemctl restart jtop.service"
SERVICE = "sudo systemctl restart jtop.service; your user has to be in the group jtop"
LEAST_S = 0.5
"""How often the service reads its sensors by default."""
_CPU, _GPU = re.compile(r"Temp ([bm]?cpu|soc)", re.IGNORECASE), re.compile("Temp gpu", re.IGNORECASE)
_LOAD = re.compile(r"GPU\d{0,2}$")

Answer = dict[str, "Reading | Unavailable"]


class JtopMonitor(Monitor):
    """Asks the service of jetson-stats."""

    _board: Any = None  # a jtop.jtop
    _reason = Unavailable("jtop was not asked")

    def __enter__(self) -> Self:
        """Connect to the service."""
        self._stack = contextlib.ExitStack()
        self._board = self._guarded(self._connected)
        self._rails = _rails.Rails(SOURCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the service."""
        self._board = None
        self._guarded(self._stack.close)

    def sample(self) -> Readings:
        """Return the newest values of the service."""
        answer = None if self._board is None else self._guarded(self._asked)
        return dict.fromkeys(GIVEN, self._reason) if answer is None else answer

    def _connected(self) -> Any:
        jtop = importlib.import_module("jtop")
        return self._stack.enter_context(jtop.jtop(interval=max(LEAST_S, self.target.interval)))

    def _asked(self) -> Answer | None:
        if not self._board.ok(spin=True):  # otherwise it waits for the next values
            self._reason = Unavailable("jtop.service has ended", "failed", SERVICE)
            return None
        stats, power = self._board.stats, self._board.power
        rails = self._rails.power(_watts(power))
        return {
            **_hottest("CPU_TEMP", _matching(stats, _CPU)),
            **_hottest("GPU_TEMP", _matching(stats, _GPU)),
            "GPU_LOAD": _load(_matching(stats, _LOAD)),
            **(rails or {_rails.METRIC: _untold("the power of a rail")}),
        }

    def _guarded(self, ask: Callable[[], Any]) -> Any:
        """Return an answer, or None and keep the reason: a third party's library may raise anything."""
        try:
            return ask()
        except ImportError:
            self._reason = Unavailable("jetson-stats is not installed", "not-installed", INSTALL)
        except Exception as error:  # noqa: BLE001 - JtopException, and what else it raises when its service is old
            shown = ascii(str(error))[1:-1][:200]
            self._reason = Unavailable(f"{type(error).__name__} of jtop: {shown}", "failed", SERVICE)
        return None


def _matching(stats: Any, names: re.Pattern[str]) -> dict[str, float]:
    """Return the numbers whose names match; sensors and engines that are off tell words instead."""
    found = {name: stats[name] for name in stats if isinstance(name, str) and names.match(name)}
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15  # noqa: PLR2004 - or NaN


def _hottest(metric: str, sensors: dict[str, float]) -> Answer:
    known = {name: celsius for name, celsius in sensors.items() if _keys.possible(metric, celsius)}
    if not known:
        return {metric: _untold("a possible temperature of this kind")}
    parts = {_keys.key(metric, name.removeprefix("Temp ")): celsius for name, celsius in known.items()}
    whole = Reading(max(known.values()), "°C", "package" if metric == "CPU_TEMP" else "device", SOURCE)
    return {metric: whole, **{key: _reading(metric, celsius) for key, celsius in parts.items()}}


def _load(loads: dict[str, float]) -> Reading | Unavailable:
    known = [load for load in loads.values() if _keys.possible("GPU_LOAD", load)]
    return _reading("GPU_LOAD", max(known)) if known else _untold("the load of the GPU")


def _watts(power: Any) -> dict[str, float]:
    """Return the rails, and the one that feeds them under its own name, where there is one."""
    rails = {name: rail["power"] for name, rail in power["rail"].items()}
    total = power["tot"]
    if total.get("name") in _rails.TOTALS:
        rails[total["name"]] = total["power"]
    return {str(name): milliwatts / 1e3 if _is_number(milliwatts) else math.nan for name, milliwatts in rails.items()}


def _reading(metric: str, value: float) -> Reading:
    return Reading(value, METRICS[metric].unit, "device", SOURCE)


def _untold(what: str) -> Unavailable:
    return Unavailable(f"{SOURCE} does not tell {what}", "not-read")
