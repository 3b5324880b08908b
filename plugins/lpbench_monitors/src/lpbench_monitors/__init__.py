"""Monitors for lpbench: the host, Linux sensors, NVIDIA, Jetson, Raspberry Pi, Ascend, and meters outside the machine.

Importing this module imports none of them, nor a vendor's library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import MonitorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "lpbench_monitors"
POWER = ("POWER_CONSUMPTION", "ENERGY")
COMMAND_S = 1.0
"""Seconds between two runs of a command: one takes milliseconds of a core."""
SLOW_S = 10.0
"""Seconds that a power which is read, or averaged by its sensor, about once a second takes to describe a mean."""

HOST = (
    MonitorSpec(
        "host",
        f"{PACKAGE}._host:HostMonitor",
        "load, memory, faults, switches and I/O from /proc",
        metrics=("CPU_LOAD", "CPU_MEM", "CPU_MEM_PEAK", "PAGE_FAULTS", "CONTEXT_SWITCHES", "IO_READ", "IO_WRITE"),
        rank=20,
    ),
    MonitorSpec(
        "psutil",
        f"{PACKAGE}._psutil:PsutilMonitor",
        "load and memory where there is no /proc",
        requires=("psutil",),
        hint='pip install "lpbench-monitors[psutil]"',
        metrics=("CPU_LOAD", "CPU_MEM", "CONTEXT_SWITCHES"),
        rank=80,
        interval=1.0,  # beside /proc it is a second opinion
    ),
)
DHRYSTONE = (
    MonitorSpec(
        "dhrystone",
        f"{PACKAGE}._dhrystone:DhrystoneMonitor",
        "rating of the processor by a Dhrystone program of the user's",
        metrics=("DMIPS",),
        deadline=100.0,
    ),
)
SYSFS = (
    MonitorSpec(
        "thermal",
        f"{PACKAGE}._thermal:ThermalMonitor",
        "temperatures of thermal zones and hwmon sensors",
        metrics=("CPU_TEMP", "GPU_TEMP", "TEMPERATURE"),
        rank=30,
    ),
    MonitorSpec(
        "cpufreq",
        f"{PACKAGE}._cpufreq:CpufreqMonitor",
        "frequencies of the cores",
        metrics=("CPU_FREQ",),
        rank=20,
    ),
    MonitorSpec(
        "throttling",
        f"{PACKAGE}._throttling:ThrottlingMonitor",
        "throttle counts and cooling devices of the kernel",
        metrics=("THROTTLING",),
        rank=30,
    ),
    MonitorSpec(
        "rapl",
        f"{PACKAGE}._rapl:RaplMonitor",
        "energy of x86 packages, DRAM and platform from powercap counters",
        metrics=POWER,
        rank=20,
    ),
    MonitorSpec(
        "amd-energy",
        f"{PACKAGE}._amd_energy:AmdEnergyMonitor",
        "energy of AMD sockets from the amd_energy driver",
        metrics=POWER,
        rank=30,
    ),
    MonitorSpec(
        "hwmon-power",
        f"{PACKAGE}._hwmon_power:HwmonPowerMonitor",
        "power sensors of hwmon chips",
        metrics=("POWER_CONSUMPTION",),
        rank=60,
    ),
)
NVIDIA = (
    MonitorSpec(
        "nvml",
        f"{PACKAGE}._nvml:NvmlMonitor",
        "NVIDIA GPUs through NVML",
        requires=("pynvml",),
        hint='pip install "lpbench-monitors[nvidia]"',
        metrics=("GPU_LOAD", "GPU_MEM", "GPU_TEMP", "GPU_FREQ", "GPU_THROTTLING", *POWER),
        rank=10,
        window=SLOW_S,
    ),
    MonitorSpec(
        "nvidia-smi",
        f"{PACKAGE}._nvidia_smi:NvidiaSmiMonitor",
        "NVIDIA GPUs through nvidia-smi",
        metrics=("GPU_LOAD", "GPU_MEM", "GPU_TEMP", "GPU_FREQ", "POWER_CONSUMPTION"),
        rank=40,
        window=SLOW_S,
        interval=COMMAND_S,
        deadline=10.0,  # a hung one is given 4 s to answer and 1 s to end
    ),
)
JETSON = (
    MonitorSpec(
        "jetson-gpu",
        f"{PACKAGE}._jetson_gpu:JetsonGpuMonitor",
        "load and frequency of a Jetson's GPU from devfreq",
        metrics=("GPU_LOAD", "GPU_FREQ"),
        rank=15,
    ),
    MonitorSpec(
        "ina3221",
        f"{PACKAGE}._ina3221:Ina3221Monitor",
        "power of a Jetson's supply rails from its INA3221",
        metrics=("POWER_CONSUMPTION",),
        rank=20,
    ),
    MonitorSpec(
        "emc",
        f"{PACKAGE}._emc:EmcMonitor",
        "memory bandwidth of a Jetson from its memory controller",
        metrics=("MEMORY_BANDWIDTH",),
        rank=20,
    ),
    MonitorSpec(
        "tegrastats",
        f"{PACKAGE}._tegrastats:TegrastatsMonitor",
        "what a Jetson's tegrastats prints",
        metrics=(
            "CPU_TEMP",
            "CPU_FREQ",
            "GPU_TEMP",
            "GPU_LOAD",
            "GPU_FREQ",
            "TEMPERATURE",
            "POWER_CONSUMPTION",
            "MEMORY_BANDWIDTH",
        ),
        rank=35,
    ),
    MonitorSpec(
        "jtop",
        f"{PACKAGE}._jtop:JtopMonitor",
        "what jetson-stats tells, where it is installed",
        requires=("jtop",),
        hint="sudo pip install jetson-stats, then sudo systemctl restart jtop.service",
        metrics=("CPU_TEMP", "GPU_TEMP", "GPU_LOAD", "POWER_CONSUMPTION"),
        rank=90,
        interval=0.5,
    ),
)
BOARDS = (
    MonitorSpec(
        "vcgencmd",
        f"{PACKAGE}._vcgencmd:VcgencmdMonitor",
        "temperature, throttling and power of a Raspberry Pi",
        metrics=("CPU_TEMP", "CPU_FREQ", "THROTTLING", "POWER_CONSUMPTION"),
        rank=20,
        window=SLOW_S,
        interval=COMMAND_S,
    ),
    MonitorSpec(
        "npu-smi",
        f"{PACKAGE}._npu_smi:NpuSmiMonitor",
        "Ascend NPUs through npu-smi",
        metrics=("NPU_LOAD", "NPU_MEM", "NPU_TEMP", "POWER_CONSUMPTION"),
        rank=20,
        window=SLOW_S,
        interval=COMMAND_S,
        deadline=20.0,
    ),
)
BANDWIDTH = (
    MonitorSpec(
        "memory-pmu",
        f"{PACKAGE}._memory_pmu:MemoryPmuMonitor",
        "memory bandwidth from the counters of Intel's and i.MX's memory controllers",
        metrics=("MEMORY_BANDWIDTH",),
        rank=20,
    ),
    MonitorSpec(
        "resctrl",
        f"{PACKAGE}._resctrl:ResctrlMonitor",
        "memory bandwidth from resctrl",
        metrics=("MEMORY_BANDWIDTH",),
        rank=30,
    ),
)
METERS = (
    MonitorSpec(
        "meter",
        f"{PACKAGE}._meter:MeterMonitor",
        "an external power meter that writes a file of times and watts",
        metrics=POWER,
        rank=5,
        window=SLOW_S,
        config=f"{PACKAGE}.config:MeterConfig",
    ),
)
MONITORS = (*HOST, *DHRYSTONE, *SYSFS, *NVIDIA, *JETSON, *BOARDS, *BANDWIDTH, *METERS)


@hookimpl
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Register every monitor."""
    for spec in MONITORS:
        register(spec)
