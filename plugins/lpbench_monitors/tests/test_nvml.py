"""NVIDIA GPUs through NVML.  Tested on a stub: a library in C, compiled here, below the real nvidia-ml-py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lpbench.jobs.measuring.resources.sampler import Sampler
from lpbench.testing import monitor_checks
from lpbench.worker.sampler.messages import Assignment, ChosenMonitor, Report
from lpbench_monitors._nvml import GIVEN

HERE = Path(__file__).parent
PATIENCE = 60
Sample = dict[str, dict[str, Any]]
Read = Callable[..., list[Sample]]
BOTH = {"gpu0", "gpu1"}


@pytest.mark.long
@monitor_checks("nvml")
def test_nvml(check: Callable[[], None]) -> None:
    check()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that compiles the library, with a definition, and returns its folder."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")

    def build(definition: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"nvml-{definition}"
        if not folder.exists():
            folder.mkdir()
            options = ["-shared", "-fPIC", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1", f"-D{definition}"]
            output = ["-o", str(folder / "libnvidia-ml.so.1"), str(HERE / "nvml_stub.c")]
            subprocess.run([compiler, *options, *output], check=True)
        return folder

    return build


def environment(folder: Path, stub: str, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"CUDA_VISIBLE_DEVICES", "NVML_STUB"}}
    return {**kept, "LD_LIBRARY_PATH": str(folder), "NVML_STUB": stub, **variables}


@pytest.fixture
def read(built: Callable[[str], Path]) -> Read:
    """Return a function that returns samples of a GPU that behaves as ``stub`` says."""

    def samples(stub: str = "", number: int = 1, driver: str = "NEW", **variables: str) -> list[Sample]:
        command = [sys.executable, str(HERE / "read_nvml.py"), str(number)]
        env = environment(built(driver), stub, **variables)
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return samples


def values(sample: Sample) -> dict[str, float]:
    return {name: found["value"] for name, found in sample.items() if "value" in found}


def reasons(sample: Sample) -> dict[str, tuple[str, str]]:
    return {name: (found["code"], found["reason"]) for name, found in sample.items() if "reason" in found}


def test_a_gpu_tells_every_metric(read: Read) -> None:
    sample = read()[0]
    assert not reasons(sample)
    assert values(sample) == {
        "GPU_LOAD": 30,
        "GPU_LOAD/gpu0": 30,
        "GPU_MEM": pytest.approx(268.435456),
        "GPU_MEM/device": pytest.approx(1048.576),
        "GPU_TEMP": 50,
        "GPU_TEMP/gpu0": 50,
        "GPU_FREQ": 1200,
        "GPU_FREQ/gpu0": 1200,
        "GPU_THROTTLING": 0,
        "GPU_THROTTLING/gpu0": 0,
        "GPU_THROTTLING/power-cap": 0,
        "GPU_THROTTLING/hw-slowdown": 0,
        "GPU_THROTTLING/sw-thermal": 0,
        "GPU_THROTTLING/hw-thermal": 0,
        "GPU_THROTTLING/power-brake": 0,
        "POWER_CONSUMPTION": pytest.approx(61.25),
        "POWER_CONSUMPTION/gpu0": pytest.approx(61.25),
        "ENERGY": pytest.approx(1006),
        "ENERGY/gpu0": pytest.approx(1006),
    }
    assert sample["POWER_CONSUMPTION"]["unit"] == "W"
    assert sample["POWER_CONSUMPTION"]["scope"] == "device"
    assert sample["ENERGY"]["cumulative"]


def test_two_gpus_are_one_figure_and_two_parts(read: Read) -> None:
    found = values(read("two")[0])
    assert (found["GPU_LOAD"], found["GPU_LOAD/gpu0"], found["GPU_LOAD/gpu1"]) == (50, 30, 70)
    assert found["GPU_TEMP"] == 51
    assert found["GPU_FREQ"] == 1350
    assert found["POWER_CONSUMPTION"] == pytest.approx(61.25 + 71.25)
    assert found["GPU_MEM"] == pytest.approx(2 * 268.435456)
    assert found["GPU_MEM/device"] == pytest.approx(2 * found["GPU_MEM/gpu1"])


@pytest.mark.parametrize(
    ("visible", "parts"),
    [
        ("1", {"gpu1"}),
        ("GPU-17e1", {"gpu1"}),
        ("0,1", BOTH),
        ("0,7,1", {"gpu0"}),
        ("MIG-7e", BOTH),
    ],
)
def test_gpus_that_cuda_does_not_see_do_not_count(read: Read, visible: str, parts: set[str]) -> None:
    sample = read("two", CUDA_VISIBLE_DEVICES=visible)[0]
    assert {name.partition("/")[2] for name in sample if name.startswith("GPU_LOAD/")} == parts


@pytest.mark.parametrize("hidden", ["", "-1", "9", "GPU-", "GPU-ffff"])
def test_no_visible_gpu_is_a_reason(read: Read, hidden: str) -> None:
    """``GPU-`` is the beginning of both UUIDs, and so names none."""
    found = reasons(read("two", CUDA_VISIBLE_DEVICES=hidden)[0])
    assert set(found) == set(GIVEN)
    assert all("CUDA_VISIBLE_DEVICES hides every GPU" in reason for _, reason in found.values())


def test_memory_is_the_processs_where_it_is_listed(read: Read) -> None:
    assert read()[0]["GPU_MEM"]["scope"] == "process"


def test_memory_of_a_process_that_computes_and_draws_counts_once(read: Read) -> None:
    assert values(read("draws")[0])["GPU_MEM"] == pytest.approx(268.435456)


@pytest.mark.parametrize(
    ("stub", "why"),
    [
        ("elsewhere", "does not list process"),
        ("no-permission", "does not list process"),
        ("mig", "does not tell the memory of process"),
    ],
)
def test_memory_is_the_devices_where_the_process_is_not_told(read: Read, stub: str, why: str) -> None:
    memory = read(stub)[0]["GPU_MEM"]
    assert memory["scope"] == "device"
    assert memory["value"] == pytest.approx(1048.576)
    assert why in memory["source"]


def test_heat_is_throttling_and_says_so(read: Read) -> None:
    found = values(read("hot")[0])
    slowed = {name for name, value in found.items() if name.startswith("GPU_THROTTLING") and value}
    assert slowed == {"GPU_THROTTLING" + part for part in ("", "/gpu0", "/hw-slowdown", "/hw-thermal")}


def test_an_idle_gpu_with_set_clocks_is_not_throttled(read: Read) -> None:
    found = values(read("idle")[0])
    assert not any(value for name, value in found.items() if name.startswith("GPU_THROTTLING"))


def test_energy_grows_and_does_not_jump_where_its_counter_starts_anew(read: Read) -> None:
    """6 J a sample; the counter starts anew at the third, of which the energy is not known."""
    found = [values(sample)["ENERGY"] for sample in read("restart", number=5)]
    grown = [found[number + 1] - found[number] for number in range(4)]
    assert grown == pytest.approx([6, 0, 6.001, 6.001])


def test_a_jetson_says_that_its_nvml_is_of_no_use(read: Read) -> None:
    sample = read("jetson")[0]
    assert not values(sample)
    assert set(reasons(sample).values()) == {("not-supported", "NVML of this Jetson tells nothing: NOT_SUPPORTED")}
    assert set(GIVEN) <= set(sample)


def test_a_divided_gpu_tells_no_load_and_the_rest(read: Read) -> None:
    sample = read("mig")[0]
    assert set(reasons(sample)) == {"GPU_LOAD", "GPU_LOAD/gpu0"}
    assert sample["GPU_LOAD"]["code"] == "not-supported"
    assert "MIG" in sample["GPU_LOAD"]["reason"]


def test_what_may_not_be_read_fails_alone(read: Read) -> None:
    sample = read("no-permission")[0]
    assert {name.partition("/")[0] for name in reasons(sample)} == {"POWER_CONSUMPTION", "ENERGY"}
    assert sample["ENERGY"]["code"] == "no-permission"
    assert sample["ENERGY"]["hint"]


def test_a_gpu_that_is_lost_halfway_loses_what_is_its_own(read: Read) -> None:
    before, after = read("two lost", number=2)
    assert not reasons(before)
    assert "GPU_IS_LOST" in after["POWER_CONSUMPTION/gpu1"]["reason"]
    assert values(after)["POWER_CONSUMPTION/gpu0"] == pytest.approx(61.25)
    assert after["POWER_CONSUMPTION"]["reason"].startswith("gpu1: ")
    assert values(after)["GPU_TEMP"] == 50
    assert "of 1 of 2 GPUs" in after["GPU_TEMP"]["source"]


ERRORS = {
    1: ("failed", "UNINITIALIZED"),
    3: ("not-supported", "NOT_SUPPORTED"),
    4: ("no-permission", "NO_PERMISSION"),
    9: ("not-here", "DRIVER_NOT_LOADED"),
    13: ("not-here", "FUNCTION_NOT_FOUND"),
    15: ("failed", "GPU_IS_LOST"),
    18: ("failed", "LIB_RM_VERSION_MISMATCH"),
    999: ("failed", "error 999"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_each_error_has_its_words_and_fails_one_metric(read: Read, error: int) -> None:
    code, words = ERRORS[error]
    found = reasons(read(f"power={error}")[0])
    assert set(found) == {"POWER_CONSUMPTION", "POWER_CONSUMPTION/gpu0"}
    assert found["POWER_CONSUMPTION"][0] == code
    assert words in found["POWER_CONSUMPTION"][1]


@pytest.mark.parametrize("error", [9, 18, 999])
def test_a_library_that_cannot_be_initialised_is_the_reason_of_all(read: Read, error: int) -> None:
    code, words = ERRORS[error]
    found = reasons(read(f"init={error}")[0])
    assert set(found) == set(GIVEN)
    assert all(each == code and words in reason for each, reason in found.values())


def test_a_gpu_that_cannot_be_opened_is_the_reason_of_its_metrics(read: Read) -> None:
    found = reasons(read("handle=4")[0])
    assert set(GIVEN) <= set(found)
    assert {code for code, _ in found.values()} == {"no-permission"}


def test_no_gpu_is_a_reason(read: Read) -> None:
    assert set(reasons(read("none")[0]).values()) == {("not-here", "NVML lists no GPU")}


def test_no_library_is_a_reason_with_a_hint(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "read_nvml.py"), "1"]
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("needs a machine without CUDA")
    done = subprocess.run(command, env=environment(tmp_path, ""), capture_output=True, timeout=PATIENCE, check=True)
    sample = json.loads(done.stdout)
    assert set(sample) == set(GIVEN)
    assert sample["GPU_LOAD"]["code"] == "other-machine"
    assert "install NVIDIA's driver" in sample["GPU_LOAD"]["hint"]


def test_an_old_driver_tells_what_it_knows(read: Read) -> None:
    sample = read(driver="OLD")[0]
    found = reasons(sample)
    assert set(found) == {"ENERGY", "ENERGY/gpu0"}
    assert found["ENERGY"][0] == "not-here"
    assert "too old" in found["ENERGY"][1]
    assert values(sample)["GPU_TEMP"] == 50
    assert values(sample)["GPU_MEM"] == pytest.approx(268.435456)
    assert values(sample)["GPU_MEM/device"] == pytest.approx(1572.864)
    assert values(sample)["GPU_THROTTLING"] == 0


def test_a_driver_that_cannot_even_be_initialised_is_a_reason(read: Read) -> None:
    found = reasons(read(driver="ANCIENT")[0])
    assert set(found) == set(GIVEN)
    assert {code for code, _ in found.values()} == {"not-here"}


@pytest.mark.parametrize("driver", ["NEW", "OLD"])
def test_what_cannot_be_is_no_reading(read: Read, driver: str) -> None:
    sample = read("nonsense", driver=driver)[0]
    assert {name.partition("/")[0] for name in values(sample)} == {"GPU_THROTTLING"}
    assert set(GIVEN) <= set(sample)


@pytest.mark.parametrize(("stub", "what"), [("hang", "gave no answer in 2 s"), ("crash", "SIGSEGV")])
def test_a_driver_that_hangs_or_crashes_loses_the_monitor_alone(
    built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, stub: str, what: str
) -> None:
    """What was read before it is kept, and the other monitors go on."""
    for name, value in environment(built("NEW"), stub).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    heard: list[Report] = []
    monitors = ChosenMonitor("nvml"), ChosenMonitor("cpufreq")
    with Sampler(Assignment(monitors, interval=0.05), {"nvml": 2.0, "cpufreq": PATIENCE}, heard.append) as sampler:
        sampler.command("sample")
        lost = _wait_for(lambda: bool(sampler.losses))
        kept = len(heard)
        went_on = _wait_for(lambda: len(heard) > kept + 3)
    assert lost
    assert [(loss.monitor, what in loss.reason) for loss in sampler.losses] == [("nvml", True)]
    told = [report for report in heard if report.monitor == "nvml"]
    assert [report.readings["POWER_CONSUMPTION"]["value"] for report in told] == [pytest.approx(61.25)]
    assert went_on


def _wait_for(reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)
    return reached()


@pytest.mark.parametrize(
    "misuse",
    [
        "pynvml._LoadNvmlLibrary(); pynvml.nvmlDeviceGetCount()",
        "pynvml.nvmlInit(); pynvml.nvmlDeviceGetPowerUsage(None)",
        "pynvml.nvmlInit(); pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0), 1)",
        "pynvml.nvmlInit(); pynvml.nvmlShutdown(); pynvml.nvmlShutdown()",
    ],
)
def test_the_stub_refuses_misuse(built: Callable[[str], Path], misuse: str) -> None:
    command = [sys.executable, "-c", f"import pynvml; {misuse}"]
    env = environment(built("NEW"), "")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 70
    assert "NVML misused" in done.stderr


@pytest.mark.long
def test_the_kits_checks_pass_on_a_gpu(built: Callable[[str], Path]) -> None:
    """Two monitors at once, entering again, descriptors: with a library that refuses misuse."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "long", f"{__file__}::test_nvml"]
    env = environment(built("NEW"), "two")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=5 * PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
