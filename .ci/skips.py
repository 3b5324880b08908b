"""Puts the jobs' reports together and refuses tests that no job ran although this machine could.

A test may be skipped in one job if another ran it.  One that nobody ran needs a reason
that begins with ``needs``, and the need must be in the table below and unmet here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import interpreters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parent.parent
Tests = dict[str, tuple[str, str]]
"""What became of each test: outcome and reason, by node."""


def _network(_: str) -> bool:
    """Whether pip reaches its registry, asked for something that every environment here holds."""
    options = ["-q", "--dry-run", "--no-deps", "--no-cache-dir", "--ignore-installed"]
    ask = [sys.executable, "-m", "pip", "install", *options, "pluggy"]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


def _python(rest: str) -> bool:
    """Whether a Python as in ``3.12`` or ``>=3.12`` or ``<3.11`` runs here."""
    asked = re.match(r"(>=|<)?\s*3\.(\d+)", rest)
    if not asked:
        return True
    fits = {">=": int.__ge__, "<": int.__lt__, None: int.__eq__}[asked[1]]
    return any(fits(version[1], int(asked[2])) for version in interpreters.here())


def _cuda(_: str) -> bool:
    return any(Path("/dev").glob("nvidia[0-9]*"))


def _ascend(_: str) -> bool:
    return any(Path("/dev").glob("davinci[0-9]*"))


def _intel_gpu() -> bool:
    vendors = Path("/sys/class/drm").glob("card*/device/vendor")
    return any(each.read_text(encoding="ascii").strip() == "0x8086" for each in vendors)


def _cpu_flags() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    names = ("flags", "Features")
    return {flag for line in lines if line.startswith(names) for flag in line.partition(":")[2].split()}


def _perf_events() -> bool:
    """Whether a process may count events of its own."""
    paranoid = Path("/proc/sys/kernel/perf_event_paranoid")
    return paranoid.exists() and int(paranoid.read_text(encoding="ascii")) <= 2  # noqa: PLR2004 - perf_event_open(2)


MET: Mapping[str, Callable[[str], bool]] = {
    "cuda": _cuda,
    "TensorRT": lambda _: any(importlib.util.find_spec(name) for name in ("tensorrt", "tensorrt_rtx")),
    "a machine without CUDA": lambda rest: not _cuda(rest),
    "a machine without TensorRT": lambda _: not any(map(find_spec, ("tensorrt", "tensorrt_rtx"))),
    "ascend": _ascend,
    "stairwai": lambda _: (ROOT.parent / "shared" / "stairwai").is_dir(),
    "network": _network,
    "pip package": _network,
    "npm package": lambda rest: shutil.which("npm") is not None and _network(rest),
    "vulkan": lambda _: any(Path("/usr/share/vulkan/icd.d").glob("*.json")),
    "python": _python,
    "Intel's GPU": lambda _: _intel_gpu(),
    "a machine without Intel's GPU": lambda _: not _intel_gpu(),
    "a CPU that computes in BF16": lambda _: bool({"avx512_bf16", "amx_bf16", "bf16"} & _cpu_flags()),
    "a CPU that does not compute in F16": lambda _: not {"avx512_fp16", "fphp"} & _cpu_flags(),
    "a CPU on which OpenVINO computes in 8 bits": lambda _: "avx2" in _cpu_flags(),
    "all cores of the machine": lambda _: len(os.sched_getaffinity(0)) == os.cpu_count(),
    "a C compiler": lambda _: shutil.which("cc") is not None,
    "git": lambda _: shutil.which("git") is not None,
    "root": lambda _: os.geteuid() == 0,
    "a user other than root": lambda _: os.geteuid() != 0,
    "/proc/self/clear_refs": lambda _: os.access("/proc/self/clear_refs", os.W_OK),
    "perf events": lambda _: _perf_events(),
    "aarch64": lambda _: platform.machine() == "aarch64",
    "x86-64": lambda _: platform.machine() == "x86_64",
}
"""The beginning of each need that a skip may name, and how this machine is asked whether it meets it."""


def allowed(reason: str, met: Mapping[str, Callable[[str], bool]] = MET) -> bool:
    """Say whether a test that no job ran may be skipped for ``reason``."""
    asked = reason.removeprefix("needs ")
    need = next((need for need in met if asked.startswith(need)), None)
    return asked != reason and need is not None and not met[need](asked.removeprefix(need).strip())


def never_ran(jobs: Mapping[str, Tests]) -> dict[str, str]:
    """Return the tests, or whole modules, that every job skipped where they appeared: node to reason."""
    ran = {node for tests in jobs.values() for node, (outcome, _) in tests.items() if outcome != "skipped"}
    modules = {node.partition("::")[0] for node in ran}
    return {
        node: reason
        for tests in jobs.values()
        for node, (outcome, reason) in tests.items()
        if outcome == "skipped" and node not in ran | modules
    }


def table(jobs: Mapping[str, Tests], pythons: Mapping[str, str]) -> str:
    """Return one line for each job: Python, passed, failed, skipped."""
    lines = [f"{'job':24}{'python':10}{'passed':>8}{'failed':>8}{'skipped':>8}"]
    for job, tests in jobs.items():
        count = Counter(outcome for outcome, _ in tests.values())
        lines.append(f"{job:24}{pythons[job]:10}{count['passed']:8}{count['failed']:8}{count['skipped']:8}")
    return "\n".join(lines)


def main(folder: Path) -> int:
    """Print the table and the verdict over the reports in ``folder``."""
    reports = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    jobs = {job: report["tests"] for job, report in reports.items()}
    print(table(jobs, {job: report["python"] for job, report in reports.items()}))
    skipped = never_ran(jobs)
    refused = {node: reason for node, reason in skipped.items() if not allowed(reason)}
    for node, reason in skipped.items():
        print(f"no job ran {node}: {reason or 'no reason'}{'  <- this machine could' if node in refused else ''}")
    failed = sum(outcome == "failed" for tests in jobs.values() for outcome, _ in tests.values())
    passed = sum(outcome == "passed" for tests in jobs.values() for outcome, _ in tests.values())
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed or refused or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
