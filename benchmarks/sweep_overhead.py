"""Overhead of a sweep: seconds for each configuration that go to anything but its runs.

A run is starting its process, importing, loading and measuring; beside it a sweep finds apps, plans, analyses models,
puts results together and keeps them.  Runs are short here, so that the rest shows.

    python benchmarks/sweep_overhead.py [--app imagenet-mobilenet-v2] [--threads 1,2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from models import Neighbours, workplace

import lpbench
from lpbench.jobs.measuring.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 0.5
ENGINES = ("onnxruntime", "openvino")


class Spent:
    """Seconds that the runs of all benchmarks of this process take, in all and of its own CPU time."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0
        self.blocks = 0

    def watch(self) -> None:
        """Count the time of every benchmark from here on."""
        rounds: Callable[[Any], None] = Rounds._rounds  # noqa: SLF001 - what is between planning and the result

        def timed(own: Any) -> None:
            begun, cpu = time.perf_counter(), time.process_time()
            try:
                rounds(own)
            finally:
                self.seconds += time.perf_counter() - begun
                self.cpu_seconds += time.process_time() - cpu
                self.blocks += 1

        mock.patch.object(Rounds, "_rounds", timed).start()


def main() -> int:
    """Sweep, and compare what is left with the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--app", default="model.onnx", help="an app (SqueezeNet as a bare model)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads")
    options = parser.parse_args()
    spent = Spent()
    spent.watch()
    neighbours = Neighbours()
    with workplace() as model, tempfile.TemporaryDirectory() as folder:
        app = model / options.app if options.app == "model.onnx" else options.app
        threads = [int(each) for each in options.threads.split(",")]
        begun, cpu = time.perf_counter(), time.process_time()
        sweep = lpbench.sweep(app, Path(folder), engines=ENGINES, threads=threads, runs=3, max_time=1.0)
        whole, whole_cpu = time.perf_counter() - begun, time.process_time() - cpu
    measured = sum(row.state == "OK" for row in sweep.rows)
    each, each_cpu = ((whole - spent.seconds) / max(1, measured), (whole_cpu - spent.cpu_seconds) / max(1, measured))
    print(f"{measured} of {len(sweep.rows)} configurations in {spent.blocks} blocks, {whole:.1f} s; {neighbours}")
    print(f"beside their runs {each:.2f} s for each configuration (limit {LIMIT_S} s), {each_cpu:.2f} s of CPU time")
    return int(not measured or each > LIMIT_S)


if __name__ == "__main__":
    raise SystemExit(main())
