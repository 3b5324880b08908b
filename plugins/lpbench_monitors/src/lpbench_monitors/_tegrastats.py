"""What NVIDIA's tegrastats tells about a Jetson: one process that goes on printing, a line each interval."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

from lpbench.plugin.kit import sensors
from lpbench.plugin.monitor import METRICS, Monitor, Reading, Unavailable
from lpbench_monitors import _jetson_memory, _keys, _rails
from lpbench_monitors._parts import MOST_PARTS
from lpbench_monitors._tegrastats_line import Line, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import Readings, Stream

SOURCE = "tegrastats"
GIVEN = (
    "CPU_TEMP",
    "CPU_FREQ",
    "GPU_TEMP",
    "GPU_LOAD",
    "GPU_FREQ",
    "TEMPERATURE",
    _rails.METRIC,
    _jetson_memory.METRIC,
)
LEAST_MS = 100
"""One line costs tegrastats some milliseconds of a core."""
STALE_INTERVALS = 5
AGAIN_S = 10.0
"""Seconds between two starts of tegrastats, at least."""
MOST_LINES = 100
"""Lines that are read at once; older ones are left out, where a sampler was suspended for long."""
MOST_MHZ = 20_000.0
SCOPES = {"CPU_TEMP": "package", "CPU_FREQ": "machine", "TEMPERATURE": "machine"}
"""What covers more than one device; each part is of one."""
PMIC_CONSTANT = 100.0
"""What the power management chip of some modules always tells, in °C."""
ROOT = "run lpbench as root: tegrastats tells other users less"
_GPU, _PMIC = re.compile("gpu", re.IGNORECASE), "PMIC"

Answer = dict[str, "Reading | Unavailable"]


class TegrastatsMonitor(Monitor):
    """Follows tegrastats; a sample has a reading for each line that came since the last one, or none if none came."""

    _stream: Stream | Unavailable = Unavailable("tegrastats was not started")
    _bus: _jetson_memory.Bus | Unavailable = Unavailable("not looked for")
    _last = _started = 0.0

    def __enter__(self) -> Self:
        """Start tegrastats."""
        self._bus = _jetson_memory.bus(self.target.files)
        self._start()
        self._rails = _rails.Rails(SOURCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End tegrastats."""
        if not isinstance(self._stream, Unavailable):
            self._stream.close()

    def _start(self) -> None:
        self._stream = self.target.commands.follow(SOURCE, "--interval", str(self._milliseconds))
        self._last = self._started = self.target.clock()

    @property
    def _milliseconds(self) -> int:
        return max(LEAST_MS, round(self.target.interval * 1000))

    def sample(self) -> Readings:
        """Return what the new lines tell."""
        if isinstance(self._stream, Unavailable):
            return dict.fromkeys(GIVEN, self._stream)
        lines = [line for line in self._stream.lines() if line.strip()][-MOST_LINES:]
        if not lines:
            return self._silent(self._stream)
        parsed = [(at, found) for at, text in self._timed(lines) if (found := parse(text))]
        if not parsed:
            shown = ascii(lines[-1][:60])
            return dict.fromkeys(GIVEN, Unavailable(f"{SOURCE} printed something unexpected: {shown}", "not-read"))
        return _together([self._told(line, at) for at, line in parsed])

    def _timed(self, lines: list[str]) -> list[tuple[float, str]]:
        """Return the lines and when they were printed: the last one now, each other one an interval earlier."""
        now, before = self.target.clock(), self._last
        self._last = now
        ages = range(len(lines) - 1, -1, -1)
        return [
            (max(before, now - age * self._milliseconds / 1e3), line) for age, line in zip(ages, lines, strict=True)
        ]

    def _silent(self, stream: Stream) -> Answer:
        """Return why there is no line; nothing while the next one may still come.  One that ended is started again."""
        if ended := stream.ended():
            if self.target.clock() - self._started >= AGAIN_S:
                stream.close()
                self._start()
            return dict.fromkeys(GIVEN, Unavailable(f"{SOURCE} ended: {ended}", "failed", "run lpbench as root"))
        seconds = STALE_INTERVALS * self._milliseconds / 1e3
        if self.target.clock() - self._last <= seconds:
            return {}
        return dict.fromkeys(GIVEN, Unavailable(f"{SOURCE} has printed no line for {seconds:g} s", "failed"))

    def _told(self, line: Line, at: float) -> Answer:
        return {
            **_temperatures(line, at),
            **_cores(line, at),
            **_gpu(line, at),
            **(self._rails.power(line.rails, at) or {_rails.METRIC: _untold("the power of a rail")}),
            _jetson_memory.METRIC: self._bandwidth(line, at),
        }

    def _bandwidth(self, line: Line, at: float) -> Reading | Unavailable:
        if line.emc is None:
            return Unavailable(f"{SOURCE} does not tell the use of the memory controller", "no-permission", ROOT)
        if isinstance(self._bus, Unavailable):
            return self._bus
        return _jetson_memory.bandwidth(*line.emc, self._bus, SOURCE, at)


def _temperatures(line: Line, at: float) -> Answer:
    """Return the hottest sensor of each kind, and the sensors."""
    known = {name: celsius for name, celsius in line.temperatures.items() if _plausible(name, celsius)}
    kinds = {name: _kind(name) for name in known}
    answer: Answer = {}
    for metric in ("CPU_TEMP", "GPU_TEMP", "TEMPERATURE"):
        own = {name: celsius for name, celsius in known.items() if kinds[name] == metric}
        answer |= _parted(metric, own, max, at) or {metric: _untold("a possible temperature of this kind")}
    return answer


def _kind(name: str) -> str:
    """Return the metric of a sensor, the one that the thermal zone of the same name belongs to."""
    return "GPU_TEMP" if _GPU.match(name) else "CPU_TEMP" if sensors.is_processors(name) else "TEMPERATURE"


def _plausible(name: str, celsius: float) -> bool:
    constant = name.upper().startswith(_PMIC) and celsius == PMIC_CONSTANT
    return not constant and _keys.possible("TEMPERATURE", celsius)


def _cores(line: Line, at: float) -> Answer:
    cores = {f"cpu{number}": mhz for number, mhz in line.cores.items() if 0 < mhz < MOST_MHZ}
    return _parted("CPU_FREQ", cores, statistics.fmean, at) or {"CPU_FREQ": _untold("the frequency of a core")}


def _gpu(line: Line, at: float) -> Answer:
    load = line.gpu_load
    answer: Answer = {"GPU_LOAD": _untold("the load of the GPU")}
    if load is not None and _keys.possible("GPU_LOAD", load):
        answer = {"GPU_LOAD": _reading("GPU_LOAD", load, at)}
    clocks = {f"gpc{number}": mhz for number, mhz in enumerate(line.gpu) if 0 < mhz < MOST_MHZ}
    if not clocks:
        return {**answer, "GPU_FREQ": _no_clock(line)}
    if len(line.gpu) == 1:
        return {**answer, "GPU_FREQ": _reading("GPU_FREQ", line.gpu[0], at)}
    return {**answer, **_parted("GPU_FREQ", clocks, statistics.fmean, at)}


def _no_clock(line: Line) -> Unavailable:
    if line.gpu and not any(line.gpu):
        return Unavailable("the GPU has no clock: it is powered down", "not-read")
    return Unavailable(f"{SOURCE} does not tell the frequency of the GPU", "no-permission", ROOT)


def _parted(metric: str, values: Mapping[str, float], combine: Callable[[Iterable[float]], float], at: float) -> Answer:
    """Return a metric and its parts, or nothing if there is no value."""
    if not values:
        return {}
    parts = list(values.items())[:MOST_PARTS]
    answer: Answer = {metric: _reading(metric, combine(values.values()), at)}
    return answer | {_keys.key(metric, part): _reading(metric, value, at, "device") for part, value in parts}


def _reading(metric: str, value: float, at: float, scope: str = "") -> Reading:
    return Reading(value, METRICS[metric].unit, scope or SCOPES.get(metric, "device"), SOURCE, at=at)


def _untold(what: str) -> Unavailable:
    return Unavailable(f"{SOURCE} does not tell {what}", "not-supported")


def _together(answers: list[Answer]) -> Readings:
    """Return all readings of each key in order; where there is none, the last reason."""
    readings: dict[str, list[Reading]] = {}
    reasons: dict[str, Unavailable] = {}
    for answer in answers:
        for name, told in answer.items():
            if isinstance(told, Unavailable):
                reasons[name] = told
            else:
                readings.setdefault(name, []).append(told)
    single = {name: told[0] if len(told) == 1 else told for name, told in readings.items()}
    return {**reasons, **single}
