"""Facts of machines that stand as trees of files, of this machine, and of hostile ones.

The trees hold what the kernels of these boards show, with synthetic numbers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpbench.machine import (
    Snapshot,
    available_memory,
    between,
    differing,
    environment,
    findings,
    hashes,
    snapshot,
    usable_cores,
)
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

CPU = "sys/devices/system/cpu"
PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
    "proc/sys/kernel/arch": "aarch64",
    "proc/cpuinfo": "".join(
        f"processor\t: {cpu}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd08\n\n" for cpu in range(4)
    )
    + "Revision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
    "proc/meminfo": "MemTotal: 3884404 kB\nMemAvailable: 2911000 kB\nSwapTotal: 102396 kB\nSwapFree: 60000 kB\n",
    "proc/loadavg": "0.05 0.10 0.20 1/180 990\n",
    f"{CPU}/online": "0-3\n",
    **{f"{CPU}/cpu{cpu}/topology/thread_siblings_list": f"{cpu}\n" for cpu in range(4)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "ondemand\n" for cpu in range(4)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_driver": "cpufreq-dt\n" for cpu in range(4)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_min_freq": "600000\n" for cpu in range(4)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_max_freq": "1500000\n" for cpu in range(4)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_cur_freq": "700000\n" for cpu in range(4)},
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "78500\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "critical\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "85000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "proc/1/comm": "systemd\n",
    "proc/812/comm": "irqbalance\n",
}
XAVIER = {
    "proc/device-tree/model": "Jetson-AGX\0",
    "proc/sys/kernel/arch": "aarch64",
    "proc/cpuinfo": "".join(
        f"processor\t: {cpu}\nmodel name\t: ARMv8 Processor rev 0 (v8l)\nCPU implementer\t: 0x4e\nCPU part\t: 0x004\n\n"
        for cpu in range(4)
    ),
    f"{CPU}/online": "0-3\n",
    f"{CPU}/offline": "4-7\n",
    "sys/class/thermal/thermal_zone0/type": "CPU-therm\n",
    "sys/class/thermal/thermal_zone0/temp": "41500\n",
    "sys/class/thermal/thermal_zone1/type": "GPU-therm\n",
    "sys/class/thermal/thermal_zone1/temp": "52000\n",
    "sys/class/thermal/thermal_zone2/type": "PMIC-Die\n",
    "sys/class/thermal/thermal_zone2/temp": "100000\n",
    "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0\n",
    "sys/class/thermal/cooling_device0/cur_state": "2\n",
    "sys/class/thermal/cooling_device1/type": "pwm-fan\n",
    "sys/class/thermal/cooling_device1/cur_state": "1\n",
}
LITTLE = {
    "proc/device-tree/model": "NXP i.MX8QuadMax MEK\0",
    "proc/sys/kernel/arch": "aarch64",
    "proc/cpuinfo": "".join(
        f"processor\t: {cpu}\nCPU implementer\t: 0x41\nCPU part\t: {'0xd08' if cpu > 3 else '0xd03'}\n\n"
        for cpu in range(6)
    ),
    f"{CPU}/online": "0-5\n",
    **{f"{CPU}/cpu{cpu}/cpu_capacity": f"{1024 if cpu > 3 else 462}\n" for cpu in range(6)},
}
LAPTOP = {
    "sys/class/dmi/id/sys_vendor": "Intel(R) Client Systems\n",
    "sys/class/dmi/id/product_name": "NUC11TNHi5\n",
    "proc/sys/kernel/arch": "x86_64",
    "proc/cpuinfo": "model name\t: 11th Gen Intel(R) Core(TM)  i5-1135G7 @ 2.40GHz\nflags\t\t: fpu sse\n",
    "proc/meminfo": "MemTotal: 16123456 kB\nMemAvailable: 90000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    f"{CPU}/online": "0-7\n",
    f"{CPU}/smt/active": "1\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    **{f"{CPU}/cpu{cpu}/topology/thread_siblings_list": f"{cpu % 4},{cpu % 4 + 4}\n" for cpu in range(8)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "powersave\n" for cpu in range(8)},
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_driver": "intel_pstate\n" for cpu in range(8)},
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "3\n",
    f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "4\n",
    **{f"{CPU}/cpu0/cache/index{at}/level": level for at, level in enumerate("1123")},
    **{
        f"{CPU}/cpu0/cache/index{at}/type": kind
        for at, kind in enumerate(["Data", "Instruction", "Unified", "Unified"])
    },
    **{f"{CPU}/cpu0/cache/index{at}/size": size for at, size in enumerate(["48K", "32K", "1280K", "8192K"])},
    "sys/class/hwmon/hwmon3/name": "coretemp\n",
    "sys/class/hwmon/hwmon3/temp1_label": "Package id 0\n",
    "sys/class/hwmon/hwmon3/temp1_input": "63000\n",
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_input": "91000\n",
}
AMD = {
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "sys/class/dmi/id/product_name": "21CF_X\n",
    "proc/sys/kernel/arch": "x86_64",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD Ryzen 7 PRO 6850U\nflags\t\t: fpu sse\n",
    f"{CPU}/online": "0-3\n",
    f"{CPU}/cpufreq/boost": "0\n",
    **{f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "performance\n" for cpu in range(4)},
    "sys/class/hwmon/hwmon1/name": "k10temp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "44500\n",
}
GUEST = {
    "proc/sys/kernel/arch": "x86_64",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Some Server CPU\nflags\t\t: fpu hypervisor sse\n",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc\n",
    f"{CPU}/online": "0-1\n",
    "proc/self/cgroup": "0::/work.slice/job\n",
    "sys/fs/cgroup/work.slice/cpu.max": "50000 100000\n",
    "sys/fs/cgroup/work.slice/job/cpu.max": "max 100000\n",
    "sys/fs/cgroup/work.slice/job/cpuset.cpus.effective": "1\n",
    "sys/fs/cgroup/work.slice/memory.max": "2147483648\n",
    "proc/1/cgroup": "0::/docker/abc\n",
}
BOARDS = [PI, XAVIER, LITTLE, LAPTOP, AMD, GUEST]


def tree(path: Path, files: dict[str, str]) -> Path:
    """Write the files below a folder."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def values(files: dict[str, str], path: Path) -> dict[str, Any]:
    """Return the values of all facts of a tree."""
    found = environment(root=tree(path, files))
    return {key: each["value"] for part in ("machine", "subject", "state") for key, each in found[part].items()}


def found_names(files: dict[str, str], path: Path) -> list[str]:
    """Return the names of the findings on a tree."""
    return [each.name for each in findings(environment(root=tree(path, files)))]


def test_a_raspberry_pi(tmp_path: Path) -> None:
    """Model, platform id, processor by its part number, governor, heat and firmware flags of a Pi 4."""
    found = values(PI, tmp_path)
    assert found["platform"] == "rpi4"
    assert found["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert found["cpu_model"] == "4x Cortex-A72"
    assert (found["logical_cores"], found["cores"], found["smt"]) == (4, 4, False)
    assert found["memory_gib"] == 4
    assert (found["governor"], found["frequency_limits_khz"]) == ("ondemand", [600_000, 1_500_000])
    assert found["frequency_mhz"] == {"0": 700, "1": 700, "2": 700, "3": 700}
    assert (found["temperature"], found["thermal_headroom"]) == (78.5, 6.5)
    assert found["throttle_flags"] == [
        "under-voltage",
        "throttled",
        "under-voltage since start",
        "throttled since start",
    ]
    assert found["swap_used_bytes"] == 42396 * 1024
    assert found["irqbalance"] is True
    assert found["virtualisation"] == "none"


def test_a_raspberry_pi_without_firmware_flags(tmp_path: Path) -> None:
    """The mainline kernel tells only of under-voltage, by a hardware monitor."""
    files = {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    assert values(files, tmp_path)["throttle_flags"] == ["under-voltage"]


def test_a_jetson(tmp_path: Path) -> None:
    """An AGX Xavier: its name on the published tables, the PMIC's constant 100 °C left out, the fan no throttling."""
    found = values(XAVIER, tmp_path)
    assert found["platform"] == "jetson-xav-agx"
    assert found["temperatures"] == {"CPU-therm": 41.5, "GPU-therm": 52.0}
    assert found["temperature"] == 41.5
    assert found["cooling"] == {"thermal-cpufreq-0": 2}
    assert found["cpu_model"] == "4x Carmel"


def test_fast_and_slow_cores(tmp_path: Path) -> None:
    """Two fast and four slow cores: the fast ones first, by name."""
    found = values(LITTLE, tmp_path)
    assert found["clusters"] == [
        {"cores": [4, 5], "kind": "Cortex-A72"},
        {"cores": [0, 1, 2, 3], "kind": "Cortex-A53"},
    ]
    assert found["cpu_model"] == "4x Cortex-A53 + 2x Cortex-A72"


def test_favoured_and_hybrid_cores(tmp_path: Path) -> None:
    """One core 2 % faster makes no kind of its own; performance and efficiency cores are two."""
    speeds = {f"{CPU}/cpu{cpu}/cpufreq/cpuinfo_max_freq": f"{4_900_000 + 100_000 * (cpu == 2)}\n" for cpu in range(8)}
    assert values({**LAPTOP, **speeds}, tmp_path / "one")["clusters"] == [{"cores": list(range(8)), "kind": None}]
    hybrid = {"sys/devices/cpu_core/cpus": "0-3\n", "sys/devices/cpu_atom/cpus": "4-7\n"}
    kinds = values({**LAPTOP, **hybrid}, tmp_path / "two")["clusters"]
    assert [(each["kind"], each["cores"][0]) for each in kinds] == [("performance", 0), ("efficiency", 4)]


def test_an_intel_laptop(tmp_path: Path) -> None:
    """Threads, turbo, caches, package temperature (not the disk's) and throttle counters."""
    found = values(LAPTOP, tmp_path)
    assert found["platform"] == "x86-64-nuc"
    assert found["cpu_model"] == "11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz"
    assert (found["logical_cores"], found["cores"], found["smt"], found["turbo"]) == (8, 4, True, True)
    assert found["caches"] == {"L1d": "48K", "L1i": "32K", "L2": "1280K", "L3": "8192K"}
    assert (found["temperature"], found["throttle_count"]) == (63.0, 7)
    assert found["temperatures"] == {"coretemp Package id 0": 63.0}


def test_an_amd_laptop(tmp_path: Path) -> None:
    """Boost by the other file, and a platform id without the product's underscore."""
    found = values(AMD, tmp_path)
    assert (found["turbo"], found["governor"], found["temperature"]) == (False, "performance", 44.5)
    assert found["platform"] == "x86-64-lenovo-21cf-x"


V1 = "sys/fs/cgroup/memory/job"
MEMINFO = "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 4_096_000_000),
        ({"sys/fs/cgroup/job/memory.max": "max", "sys/fs/cgroup/job/memory.current": "9"}, 4_096_000_000),
        ({"sys/fs/cgroup/job/memory.max": "1000", "sys/fs/cgroup/job/memory.current": "900"}, 100),
        (
            {
                "sys/fs/cgroup/job/memory.max": "1000",
                "sys/fs/cgroup/job/memory.current": "900",
                "sys/fs/cgroup/job/memory.stat": "anon 500\ninactive_file 300\nbroken",
            },
            400,
        ),
        ({f"{V1}/memory.limit_in_bytes": "1000", f"{V1}/memory.usage_in_bytes": "1100"}, 0),
    ],
    ids=["system", "no limit", "limit", "cached files", "version 1"],
)
def test_memory_that_is_left_is_the_systems_or_the_control_groups(
    tmp_path: Path, files: dict[str, str], free: int
) -> None:
    """A group counts the files that it keeps in memory as used; they can be dropped."""
    group = "4:memory:/job\n" if any(name.startswith(V1) for name in files) else "0::/job\n"
    top = tree(tmp_path, {"proc/meminfo": MEMINFO, "proc/self/cgroup": group, **files})
    assert available_memory(top) == free


def test_memory_that_nobody_tells_is_not_known(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "nothing") is None


def test_a_guest_in_a_container(tmp_path: Path) -> None:
    """The quota of the group above, the cores of its own, and the hypervisor by its clock."""
    found = values(GUEST, tmp_path)
    assert (found["platform"], found["virtualisation"], found["container"]) == ("x86-64-vm", "kvm", "docker")
    assert (found["cgroup_cpu_quota"], found["cgroup_cpuset"], found["cgroup_memory_limit"]) == (0.5, [1], 2**31)


def test_a_quota_counts_as_so_many_cores_rounded_up(tmp_path: Path) -> None:
    allowed = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path / "nothing") == allowed
    assert usable_cores(tree(tmp_path / "half", GUEST)) == 1
    wide = {**GUEST, "sys/fs/cgroup/work.slice/cpu.max": f"{100_000 * (allowed + 3)} 100000\n"}
    assert usable_cores(tree(tmp_path / "wide", wide)) == allowed


def test_version_1_control_groups(tmp_path: Path) -> None:
    """Quota and period in files of their own, under the joint name of the controllers."""
    files = {
        "proc/self/cgroup": "4:cpu,cpuacct:/job\n3:cpuset:/\n",
        "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0-2\n",
    }
    found = values(files, tmp_path)
    assert (found["cgroup_cpu_quota"], found["cgroup_cpuset"]) == (1.5, [0, 1, 2])


@pytest.mark.parametrize(
    ("model", "platform"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "rpi3"),
        ("Raspberry Pi 5 Model B Rev 1.0", "rpi5"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "rpi-zero2"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "rpi-cm4"),
        ("NVIDIA Jetson Nano 2GB Developer Kit", "jetson-nano2"),
        ("NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
        ("NVIDIA Jetson AGX Orin Developer Kit", "jetson-orin-agx"),
        ("NVIDIA Jetson Orin Nano Developer Kit", "jetson-orin-nano"),
        ("NVIDIA Jetson Xavier NX Developer Kit", "jetson-xav-nx"),
        ("NXP i.MX8MNano EVK board", "imx8m-nano"),
        ("NXP i.MX8MPlus EVK board", "imx8m-plus"),
        ("STMicroelectronics STM32MP157C-DK2 Discovery Board", "stm32mp1"),
        ("Some_Board, rev. 2", "aarch64-some-board-rev-2"),
    ],
)
def test_platform_ids(model: str, platform: str, tmp_path: Path) -> None:
    """Boards get the ids of the published tables, others a name without underscore."""
    assert (
        values({"proc/device-tree/model": model, "proc/sys/kernel/arch": "aarch64"}, tmp_path)["platform"] == platform
    )


@pytest.mark.parametrize(
    ("vendor", "product", "kind"),
    [
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "qemu"),
        ("VMware, Inc.", "VMware Virtual Platform", "vmware"),
        ("innotek GmbH", "VirtualBox", "virtualbox"),
        ("Amazon EC2", "m5.large", "amazon"),
        ("Microsoft Corporation", "Virtual Machine", "hyper-v"),
        ("Microsoft Corporation", "Surface Laptop", "none"),
    ],
)
def test_hypervisors_by_vendor(vendor: str, product: str, kind: str, tmp_path: Path) -> None:
    """What firmware says; a vendor that makes both machines and hypervisors is told by the product."""
    files = {
        "sys/class/dmi/id/sys_vendor": vendor,
        "sys/class/dmi/id/product_name": product,
        "proc/cpuinfo": "flags : fpu\n",
    }
    assert values(files, tmp_path)["virtualisation"] == kind


def test_findings_name_cost_and_remedy(tmp_path: Path) -> None:
    """A hot, throttled Pi: its faults, the worst first, each with what it costs and what mends it."""
    found = findings(environment(root=tree(tmp_path, PI)))
    assert [each.name for each in found] == ["throttled", "swap", "hot", "governor", "has-throttled", "irqbalance"]
    assert all(each.what and each.cost and each.remedy for each in found)
    assert "under-voltage, throttled" in found[0].what


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (LAPTOP, ["memory", "governor", "turbo", "smt", "has-throttled"]),
        (AMD, []),
        (GUEST, ["virtual-machine", "cgroup-quota", "no-governor"]),
        ({**AMD, "proc/loadavg": "3.1 2.0 1.0 4/400 99"}, ["load"]),
        (XAVIER, ["throttled", "no-governor"]),
    ],
    ids=["laptop", "quiet", "guest", "busy", "xavier"],
)
def test_findings_of_other_machines(files: dict[str, str], names: list[str], tmp_path: Path) -> None:
    """A quiet machine has none; the others have theirs and no more."""
    assert found_names(files, tmp_path) == names


def test_mixed_cores_matter_only_without_affinity(tmp_path: Path) -> None:
    """Fast and slow cores are a finding unless the worker is pinned to one kind."""
    found = environment(root=tree(tmp_path, LITTLE))
    found["subject"]["affinity"] = {"value": [0, 4], "source": "test"}
    mixed = [each for each in findings(found) if each.name == "mixed-cores"]
    assert mixed[0].remedy == "affinity=[4, 5]"
    found["subject"]["affinity"] = {"value": [4, 5], "source": "test"}
    assert "mixed-cores" not in [each.name for each in findings(found)]


def test_findings_of_results_of_other_versions() -> None:
    """Environments that lack everything, or hold something else, give no findings and no errors."""
    assert [each.name for each in findings({})] == ["no-governor"]
    assert findings({"machine": {"governor": {"value": "performance"}, "smt": "yes"}}) == []


@pytest.mark.parametrize("files", BOARDS)
def test_every_fact_has_a_source_or_a_reason(files: dict[str, str], tmp_path: Path) -> None:
    """No value without where it was read, none missing without why; and all of it is JSON."""
    found = environment(root=tree(tmp_path, files))
    for part in ("machine", "subject", "state"):
        for key, each in found[part].items():
            assert each.get("reason") if each["value"] is None else each.get("source"), key
    assert json.loads(json.dumps(found)) == found


def test_this_machine() -> None:
    """Here: complete JSON, cores and memory known, twice the same hashes, and nothing looked up as root."""
    one, other = environment(), environment()
    assert one["machine"]["logical_cores"]["value"] >= 1
    assert one["machine"]["memory_gib"]["value"] > 0
    assert "_" not in one["machine"]["platform"]["value"]
    assert one["hashes"] == other["hashes"]
    assert differing(one, other) == {}
    assert one["subject"]["affinity"]["value"] == sorted(os.sched_getaffinity(0))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_cores_are_those_of_all_threads_where_each_is_kept_on_one() -> None:
    """As an engine's threads are while workers take turns: the reading thread's one core is not all there is."""
    code = """
    import os, threading
    from lpbench.machine import environment
    first, second = sorted(os.sched_getaffinity(0))[:2]
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    os.sched_setaffinity(other.native_id, {second})
    os.sched_setaffinity(0, {first})
    print(environment()["subject"]["affinity"]["value"] == [first, second])
    done.set()
    """
    shown = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "True"


def test_versions_of_libraries() -> None:
    """Of pluggy, which is installed, and of one that is not; both belong to the subject with what the caller adds."""
    found = environment(subject={"precision": "F32"}, libraries=("pluggy", "no-such-library"))["subject"]
    assert found["library pluggy"]["value"]
    assert found["library no-such-library"] == {"value": None, "reason": "not installed"}
    assert found["precision"] == {"value": "F32", "source": "given"}


def test_hashes_tell_machine_and_subject_apart(tmp_path: Path) -> None:
    """Another governor makes another machine, another precision another subject, another load neither."""
    plain = environment({"precision": "F32"}, root=tree(tmp_path / "a", PI))
    governed = {key: text.replace("ondemand", "performance") for key, text in PI.items()}
    tuned = environment({"precision": "F32"}, root=tree(tmp_path / "b", governed))
    busy = environment({"precision": "F16"}, root=tree(tmp_path / "c", {**PI, "proc/loadavg": "9 9 9 1/1 1"}))
    assert differing(plain, tuned) == {"governor": ("ondemand", "performance")}
    assert plain["hashes"]["machine"] != tuned["hashes"]["machine"]
    assert plain["hashes"]["subject"] == tuned["hashes"]["subject"]
    assert plain["hashes"]["machine"] == busy["hashes"]["machine"]
    assert differing(plain, busy, "subject") == {"precision": ("F32", "F16")}


def test_hashes_survive_a_result_file(tmp_path: Path) -> None:
    """Written as JSON and read back, the environment has the hashes it had."""
    found = environment(root=tree(tmp_path, LITTLE))
    back = json.loads(json.dumps(found))
    assert hashes(back["machine"], back["subject"]) == found["hashes"]


def test_a_key_that_one_lacks_differs(tmp_path: Path) -> None:
    """A result of an older version without a fact, and one without any machine."""
    found = environment(root=tree(tmp_path, AMD))
    older = {"machine": {key: each for key, each in found["machine"].items() if key != "turbo"}}
    assert differing(found, older) == {"turbo": (False, None)}
    assert "cpu_model" in differing(found, {})


GARBAGE = st.sampled_from(sorted({name for board in BOARDS for name in board} | {"proc/stat", "proc/self/stat"}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.dictionaries(
        GARBAGE, st.binary(max_size=60) | st.sampled_from([b"9" * 5000, b"-1", b"nan", b"1-", b"0-99999999"])
    )
)
def test_garbage_never_raises(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    """Any bytes in any of the files: facts, findings and snapshots come all the same, as JSON."""
    top = tree(tmp_path_factory.mktemp("garbage"), {**PI, **GUEST})
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    found = environment(root=top)
    findings(found)
    between(snapshot(root=top), snapshot(root=top))
    assert json.dumps(found)


def test_folders_and_closed_files_never_raise(tmp_path: Path) -> None:
    """A folder where a file should be, a file that may not be read, a link in a circle, and no tree at all."""
    top = tree(tmp_path, PI)
    (top / "proc/loadavg").unlink()
    (top / "proc/loadavg").mkdir()
    (top / "proc/meminfo").chmod(0)
    (top / "proc/cpuinfo").unlink()
    (top / "proc/cpuinfo").symlink_to("cpuinfo")
    found = environment(root=top)
    assert found["state"]["load_average"] == {"value": None, "reason": "/proc/loadavg cannot be read"}
    assert found["machine"]["platform"]["value"] == "rpi4"
    assert environment(root=tmp_path / "nothing")["machine"]["governor"]["value"] is None


def stat(busy: int, idle: int, stolen: int) -> str:
    """Return a /proc/stat of two cores in ticks."""
    return f"cpu  {busy} 0 0 {idle} 0 0 0 {stolen} 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 5\n"


def own(ticks: int) -> str:
    """Return a /proc/PID/stat whose command name tries to look like fields."""
    return f"42 (a) b (c) 1 2) S 1 1 1 0 -1 0 9 9 9 9 {ticks} 0 0 0 20 0 1 0 5 1 1\n"


def test_foreign_load_is_what_the_measured_processes_did_not_use(tmp_path: Path) -> None:
    """300 ticks busy, of which this process used 50 and its worker 150: 100 ticks were others'."""
    tick = os.sysconf("SC_CLK_TCK")
    top = tree(tmp_path, {"proc/stat": stat(1000, 5000, 10), "proc/self/stat": own(100), "proc/77/stat": own(10)})
    before = snapshot([77], root=top)
    tree(top, {"proc/stat": stat(1300, 5100, 30), "proc/self/stat": own(150), "proc/77/stat": own(160)})
    after = snapshot([77], root=top)
    found = between(before, after)
    assert found.foreign == pytest.approx(100 / tick)
    assert before.cores == 2


def moment(at: float, busy: float | None, **more: Any) -> Snapshot:
    """Return a snapshot of two cores."""
    counters = {"stolen": 0.0, "own": 0.0, "cores": 2, "involuntary_switches": 0, "minor_faults": 0}
    return Snapshot(at, busy, **{**counters, "major_faults": 0, "quota_stops": 0, "quota_ns": 0, **more})


def test_disturbed_runs_say_by_whom() -> None:
    """Ten seconds on two cores: others' share, the host's, the quota's, and a calm one."""
    start = moment(0, 0)
    assert between(start, moment(10, 4)).disturbed() == "other processes used 20% of the CPU time"
    assert "virtual machines used 15%" in between(start, moment(10, 0, stolen=3.0)).disturbed()
    assert "stopped the run 3 times" in between(start, moment(10, 0, quota_stops=3)).disturbed()
    assert between(start, moment(10, 0.5)).disturbed() == ""
    assert between(start, moment(10, 4)).disturbed(limit=0.3) == ""


def test_clocks_that_step_do_not_make_negative_load() -> None:
    """Counters that fall, no time between, and no /proc/stat."""
    back = between(moment(10, 9), moment(5, 3))
    assert (back.seconds, back.foreign) == (0, 0)
    assert isinstance(back.foreign_share, Unavailable)
    assert isinstance(between(moment(0, None), moment(1, None)).foreign, Unavailable)
    assert between(moment(0, None), moment(1, None)).disturbed() == ""


def test_own_work_is_not_foreign() -> None:
    """A fifth of a second of work in this process counts as its own."""
    before = snapshot()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = snapshot()
    assert after.own - before.own >= 0.1
