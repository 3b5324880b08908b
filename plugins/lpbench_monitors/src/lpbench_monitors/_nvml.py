"""NVIDIA GPUs through NVML (NVIDIA's NVML API reference), each metric of each GPU asked on its own.

A GPU that is divided (MIG) tells no load.  The NVML of a Jetson initialises, lists a device and answers NOT_SUPPORTED.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors import _gpus as figures
from lpbench_monitors._gpus import MOST_GPUS, VISIBLE, chosen, merged, overall, parts, possible
from lpbench_monitors._nvml_library import Nvml, gpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_monitors._gpus import Figure, Merged
    from lpbench_monitors._nvml_library import Gpu

GIVEN = ("GPU_LOAD", "GPU_MEM", "GPU_TEMP", "GPU_FREQ", "GPU_THROTTLING", "POWER_CONSUMPTION", "ENERGY")
NVML_TEMPERATURE_GPU = 0
NVML_CLOCK_SM = 1
NVML_MEMORY_V2 = 0x02000028
"""nvmlMemory_v2_t: its size and, shifted by 24, its version."""
BYTES_PER_MB = 1e6
JETSON_FILE = "etc/nv_tegra_release"
NO_LOAD_UNDER_MIG = Unavailable("NVML tells no load of a GPU that is divided (MIG)", "not-supported")
NOT_ON_JETSON = ("not-supported", "not-here", "other-machine")
OF_JETSON = Unavailable("NVML of this Jetson tells nothing: NOT_SUPPORTED", "not-supported")
THROTTLING = {
    0x04: "power-cap",
    0x08: "hw-slowdown",
    0x20: "sw-thermal",
    0x40: "hw-thermal",
    0x80: "power-brake",
}
"""Bits of nvmlClocksEventReasons that are slow-downs by heat or power; idleness, set clocks and sync boost are none."""


class NvmlMonitor(Monitor):
    """Reads the GPUs that are visible to CUDA."""

    def __init__(self, target: MonitorTarget, config: object = None) -> None:
        super().__init__(target, config)
        self._nvml = Nvml()
        self._gpus: list[Gpu] | Unavailable = Unavailable("NVML is not open")
        self._divided: set[str] = set()
        self._counters: dict[str, _Counter] = {}
        self._jetson = False
        self._of = ""

    def __enter__(self) -> Self:
        """Initialise the library and look for GPUs; both stay as they are until the monitor is left."""
        self._gpus = self._visible()
        found = [] if isinstance(self._gpus, Unavailable) else self._gpus
        self._divided = {gpu.part for gpu in found if _divided(gpu)}
        self._counters = {gpu.part: _Counter() for gpu in found}
        self._jetson = self._on_jetson() or any("nvgpu" in gpu.text("nvmlDeviceGetName") for gpu in found)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut the library down."""
        self._nvml.close()

    def _on_jetson(self) -> bool:
        return self.target.files.exists(JETSON_FILE)

    def _visible(self) -> list[Gpu] | Unavailable:
        if not self.target.files.here:
            return Unavailable("NVML tells of the machine that it runs on, not of a recorded one", "other-machine")
        found = self._nvml.open() or gpus(self._nvml, MOST_GPUS)
        if isinstance(found, Unavailable):
            return replace(found, hint="") if self._on_jetson() else found  # its driver comes with the board's system
        variable = os.environ.get(VISIBLE)
        numbers = chosen(variable, [gpu.text("nvmlDeviceGetUUID") for gpu in found])
        if not numbers:
            return Unavailable(f"{VISIBLE} hides every GPU: {variable!r:.80}", "not-here", f"unset {VISIBLE}")
        self._of = "" if len(numbers) == len(found) else f" ({VISIBLE}={variable:.80})"
        return [found[number] for number in numbers]

    def sample(self) -> Readings:
        """Return each metric over all GPUs, and by GPU."""
        if isinstance(self._gpus, Unavailable):
            return dict.fromkeys(GIVEN, self._gpus)
        readings = {
            **self._merged(figures.LOAD, self._load, "nvmlDeviceGetUtilizationRates"),
            **self._memory(self._gpus),
            **self._merged(figures.TEMPERATURE, _temperature, "nvmlDeviceGetTemperature"),
            **self._merged(figures.FREQUENCY, _frequency, "nvmlDeviceGetClockInfo, SM"),
            **_throttling({gpu.part: _throttle_bits(gpu) for gpu in self._gpus}, self._of),
            **self._merged(figures.POWER, _power, "nvmlDeviceGetPowerUsage, 1 s mean on Ampere and newer"),
            **self._merged(figures.ENERGY, self._energy, "nvmlDeviceGetTotalEnergyConsumption"),
        }
        return _of_jetson(readings) if self._jetson else readings

    def _merged(self, figure: Figure, read: Callable[[Gpu], float | Unavailable], source: str) -> Merged:
        assert not isinstance(self._gpus, Unavailable)  # noqa: S101 - for the type checker; sample() asks for it
        values = {gpu.part: _possible(figure.metric, read(gpu)) for gpu in self._gpus}
        return merged(figure, values, source + self._of)

    def _load(self, gpu: Gpu) -> float | Unavailable:
        answer = gpu.ask(("nvmlDeviceGetUtilizationRates",))
        if not isinstance(answer, Unavailable):
            return float(answer.gpu)
        return NO_LOAD_UNDER_MIG if gpu.part in self._divided and answer.code == "not-supported" else answer

    def _energy(self, gpu: Gpu) -> float | Unavailable:
        """Joules; the driver counts millijoules from the time when it was loaded, on Volta and newer."""
        answer = gpu.ask(("nvmlDeviceGetTotalEnergyConsumption",))
        known = answer if isinstance(answer, Unavailable) else possible("ENERGY", answer / 1000)
        return known if isinstance(known, Unavailable) else self._counters[gpu.part].follow(known)

    def _memory(self, found: list[Gpu]) -> Merged:
        """Return the memory of the process where NVML lists it, else that of the devices, which is also a part."""
        used = {gpu.part: _possible("GPU_MEM", _used(gpu)) for gpu in found}
        source = f"nvmlDeviceGetMemoryInfo, used memory of the device{self._of}"
        device = overall(figures.MEMORY, used, source)
        several = parts(figures.MEMORY, used, source) if len(found) > 1 else {}
        return {"GPU_MEM": self._of_process(found, device), "GPU_MEM/device": device, **several}

    def _of_process(self, found: list[Gpu], device: Reading | Unavailable) -> Reading | Unavailable:
        pid = self.target.pid
        if pid is None:
            return device
        shares = {gpu.part: share for gpu in found if (share := _share(gpu, pid)) is not None}
        known = {part: share for part, share in shares.items() if not isinstance(share, Unavailable)}
        if known and len(known) == len(shares):
            source = f"NVML's list of processes: process {pid} on {', '.join(known)}"
            return Reading(sum(known.values()), "MB", "process", source)
        if isinstance(device, Unavailable):
            return device
        why = "does not tell the memory of" if shares else "does not list"
        return replace(device, source=f"{device.source}; NVML {why} process {pid}")


class _Counter:
    """A counter that only grows; where it starts anew, as after a reset of the GPU, it goes on without a jump."""

    _last: float | None = None
    _sum = 0.0

    def follow(self, value: float) -> float:
        grown = value if self._last is None else value - self._last
        self._last = value
        self._sum += max(grown, 0.0)
        return self._sum


def _possible(metric: str, value: float | Unavailable) -> float | Unavailable:
    return value if isinstance(value, Unavailable) else possible(metric, value)


def _divided(gpu: Gpu) -> bool:
    answer = gpu.ask(("nvmlDeviceGetMigMode",))
    return not isinstance(answer, Unavailable) and bool(answer[0])


def _temperature(gpu: Gpu) -> float | Unavailable:
    """Degrees Celsius; older drivers know the second question alone."""
    answer: float | Unavailable = gpu.ask(
        ("nvmlDeviceGetTemperatureV", NVML_TEMPERATURE_GPU), ("nvmlDeviceGetTemperature", NVML_TEMPERATURE_GPU)
    )
    return answer


def _frequency(gpu: Gpu) -> float | Unavailable:
    """MHz."""
    answer: float | Unavailable = gpu.ask(("nvmlDeviceGetClockInfo", NVML_CLOCK_SM))
    return answer


def _power(gpu: Gpu) -> float | Unavailable:
    """Watts of milliwatts."""
    answer = gpu.ask(("nvmlDeviceGetPowerUsage",))
    return answer if isinstance(answer, Unavailable) else answer / 1000


def _used(gpu: Gpu) -> float | Unavailable:
    """MB; what the driver reserves for itself counts only where it does not know the first question."""
    answer = gpu.ask(("nvmlDeviceGetMemoryInfo", NVML_MEMORY_V2), ("nvmlDeviceGetMemoryInfo",))
    if isinstance(answer, Unavailable):
        return answer
    if answer.used > answer.total:
        return Unavailable(f"NVML says that {answer.used} of {answer.total} bytes are used", "not-read")
    return float(answer.used / BYTES_PER_MB)


def _share(gpu: Gpu, pid: int) -> float | Unavailable | None:
    """Return the MB of a process; None where it is not listed.

    One that both computes and draws is in both lists with all of its memory; under MIG it is in one for each instance.
    """
    used: dict[tuple[int, int], int] = {}
    for kind in ("Compute", "Graphics"):
        answer = gpu.ask((f"nvmlDeviceGet{kind}RunningProcesses_v3",), (f"nvmlDeviceGet{kind}RunningProcesses_v2",))
        for process in [] if isinstance(answer, Unavailable) else answer:
            if process.pid == pid and process.usedGpuMemory is None:
                return Unavailable("NVML lists the process without its memory", "not-supported")
            if process.pid == pid:
                instance = (process.gpuInstanceId, process.computeInstanceId)
                used[instance] = max(used.get(instance, 0), process.usedGpuMemory)
    return possible("GPU_MEM", sum(used.values()) / BYTES_PER_MB) if used else None


def _throttle_bits(gpu: Gpu) -> int | Unavailable:
    answer: int | Unavailable = gpu.ask(
        ("nvmlDeviceGetCurrentClocksEventReasons",), ("nvmlDeviceGetCurrentClocksThrottleReasons",)
    )
    return answer


def _throttling(bits: dict[str, int | Unavailable], of: str) -> Merged:
    """Return whether any GPU is slowed down by heat or power; by GPU, and by reason over all GPUs."""
    source = f"nvmlDeviceGetCurrentClocksEventReasons{of}"
    slow = {part: _any_of(value, sum(THROTTLING)) for part, value in bits.items()}
    figure = figures.Figure("GPU_THROTTLING", max)
    total = overall(figure, slow, source)
    reasons: Merged = {}
    if isinstance(total, Reading):
        for bit, reason in THROTTLING.items():
            reasons[f"GPU_THROTTLING/{reason}"] = overall(
                figure, {part: _any_of(value, bit) for part, value in bits.items()}, source
            )
    return {"GPU_THROTTLING": total, **parts(figure, slow, source), **reasons}


def _any_of(bits: int | Unavailable, mask: int) -> float | Unavailable:
    return bits if isinstance(bits, Unavailable) else float(bool(bits & mask))


def _of_jetson(readings: Merged) -> Merged:
    """Say why a Jetson's NVML is of no use, in place of what it answers to each question."""
    return {
        name: OF_JETSON if isinstance(reading, Unavailable) and reading.code in NOT_ON_JETSON else reading
        for name, reading in readings.items()
    }
