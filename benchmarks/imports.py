"""Start-up time of lpbench: whole processes, against pluggy alone, interleaved.

``import lpbench`` against ``import pluggy``, and ``lpbench engines`` against a process that imports
pluggy and lists the entry points; the ratio may be at most 1.3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 1.3
LISTING = "import pluggy, importlib.metadata; print(*importlib.metadata.entry_points(group='lpbench'))"
PAIRS = (
    ("import lpbench", [sys.executable, "-c", "import lpbench"], [sys.executable, "-c", "import pluggy"]),
    ("lpbench engines", [str(Path(sys.executable).with_name("lpbench")), "engines"], [sys.executable, "-c", LISTING]),
)
# pip compiles modules when it installs them; those of a checkout are compiled once if Python may store bytecode
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(command: list[str]) -> float:
    """Return the wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1e3


def compare(ours: list[str], reference: list[str], rounds: int) -> tuple[float, float, float]:
    """Return the median of both in ms, and the median ratio of neighbours; order alternates A B B A."""
    times: tuple[list[float], list[float]] = ([], [])
    milliseconds(ours)
    for index in range(rounds):
        for which in (0, 1) if index % 2 else (1, 0):
            times[which].append(milliseconds((ours, reference)[which]))
    ratio = statistics.median(one / other for one, other in zip(*times, strict=True))
    return statistics.median(times[0]), statistics.median(times[1]), ratio


def main() -> None:
    """Print one line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print(f"{'whole process, median ms':26}{'ours':>8}{'reference':>11}{'ratio':>8}")
    for name, ours, reference in PAIRS:
        mine, other, ratio = compare(ours, reference, rounds)
        verdict = "ok" if ratio <= LIMIT else "above the limit"
        print(f"{name:26}{mine:8.1f}{other:11.1f}{ratio:8.3f}  at most {LIMIT}: {verdict}")


if __name__ == "__main__":
    main()
