"""lpbench beside other benchmark tools: the median latency that each reports, and the spread of its repetitions.

Every tool runs the same model on one thread of the same core, in fresh processes, alternating.  lpbench and the bare
loop run ONNX Runtime; benchmark_app (openvino wheel) and litert-benchmark (ai-edge-litert wheel) run their own engines,
which differ in speed.  A tool that is not installed is reported with the command to install it.

    python benchmarks/peers.py [--repetitions 5] [--seconds 2] [--tflite MODEL.tflite]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from models import INPUT, SHAPE, Neighbours, spread, workplace

import lpbench

if TYPE_CHECKING:
    from collections.abc import Callable

    Tool = Callable[[Path, float], float]

WARM_UP = 50
SAMPLE_S = 0.004
"""Approximate latency of the model, for tools that count runs instead of seconds."""


def by_lpbench(model: Path, seconds: float) -> float:
    """Return the median in milliseconds of one run in a worker process."""
    result = lpbench.benchmark(model, engine="onnxruntime", threads=1, number=int(seconds / SAMPLE_S), runs=1)
    return result.configurations[0].run_medians()[0] / 1e6


def by_loop(model: Path, seconds: float) -> float:
    """Return the median of a carefully handwritten loop, in a separate process."""
    return float(_output([sys.executable, __file__, "--loop", str(model), "--seconds", str(seconds)]))


def by_benchmark_app(model: Path, seconds: float) -> float:
    """Return the median that benchmark_app reports, on one thread and in single precision, as lpbench measures."""
    options = "-hint none -nthreads 1 -nstreams 1 -nireq 1 -api sync -infer_precision f32"
    output = _output([_tool("benchmark_app"), "-m", str(model), *options.split(), "-t", f"{max(1, round(seconds))}"])
    match = re.search(r"Median:\s*([0-9.]+) ms", output)
    if match is None:
        raise ValueError(f"benchmark_app does not report a median: {output[-500:]}")
    return float(match[1])


def by_litert(model: Path, seconds: float) -> float:
    """Return the median that litert-benchmark reports, on one thread."""
    report_file = model.with_suffix(".json")
    files = ["--model", str(model.with_suffix(".tflite")), "--result_json", str(report_file)]
    counts = ["--num_threads", "1", "--warmup_runs", str(WARM_UP), "--num_runs", str(int(seconds / SAMPLE_S))]
    _output([_tool("litert-benchmark"), *files, *counts])
    return float(json.loads(report_file.read_text(encoding="utf-8"))["latency"]["median_ms"])


def loop(model: str, seconds: float) -> float:
    """Time the model in a carefully handwritten loop and return the median in milliseconds."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime is imported
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {INPUT: np.random.default_rng(0).random(SHAPE, np.float32)}
    times = []
    for _ in range(WARM_UP + int(seconds / SAMPLE_S)):
        begun = time.perf_counter_ns()
        session.run(None, feeds)
        times.append(time.perf_counter_ns() - begun)
    return statistics.median(times[WARM_UP:]) / 1e6


def tools(folder: Path, tflite: str | None) -> tuple[dict[str, Tool], list[str]]:
    """Return the available tools, and a line for each missing one."""
    found: dict[str, Tool] = {"lpbench": by_lpbench, "bare loop": by_loop}
    absent = []
    if _tool("benchmark_app"):
        found["benchmark_app"] = by_benchmark_app
    else:
        absent.append("benchmark_app is not installed: pip install openvino")
    if not _tool("litert-benchmark"):
        absent.append("litert-benchmark is not installed: pip install ai-edge-litert")
    elif _converted(folder / "model.onnx", tflite):
        found["litert-benchmark"] = by_litert
    else:
        what = "pip install onnx2tf (Python 3.12) for the conversion, or give --tflite MODEL.tflite"
        absent.append(f"litert-benchmark has no model: {what}")
    return found, absent


def _converted(model: Path, tflite: str | None) -> bool:
    """Write the model in TensorFlow Lite's format next to the ONNX file if possible; return whether it exists."""
    target = model.with_suffix(".tflite")
    converter = _tool("onnx2tf")
    if tflite:
        shutil.copy(tflite, target)
    elif converter:
        _output([converter, "-i", str(model), "-o", str(model.parent / "tflite")])
        shutil.copy(model.parent / "tflite" / "model_float32.tflite", target)
    return target.exists()


def _tool(name: str) -> str:
    """Return the path of a command, next to this Python or on the search path, or an empty string."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places)) or ""


def _output(command: list[str]) -> str:
    """Return the standard output of a command, which runs without telemetry.

    :raises subprocess.CalledProcessError: The command failed; its output is printed to standard error.
    """
    environment = {**os.environ, "CI": "true"}  # without it openvino writes files into the home folder
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
    done.check_returncode()
    return done.stdout


def report(name: str, values: list[float], ours: list[float]) -> None:
    """Print one line: median, spread, ratio to lpbench, and the values."""
    ratio = statistics.median(values) / statistics.median(ours)
    each = " ".join(f"{value:.3f}" for value in values)
    print(f"{name:<18} {statistics.median(values):8.3f} {spread(values):7.2f} % {ratio:8.3f}   {each}")


def main() -> None:
    """Print one line for each tool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each tool (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time of each (default %(default)s)")
    parser.add_argument("--tflite", help="the model in TensorFlow Lite's format")
    parser.add_argument("--affinity", type=int, default=max(os.sched_getaffinity(0)), help="core (%(default)s)")
    parser.add_argument("--loop", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        print(loop(options.loop, options.seconds))
        return
    os.sched_setaffinity(0, {options.affinity})  # all tools inherit it
    neighbours = Neighbours()
    with workplace() as folder:
        found, absent = tools(folder, options.tflite)
        times: dict[str, list[float]] = {name: [] for name in found}
        for number in range(options.repetitions):
            for name in list(found)[:: 1 if number % 2 == 0 else -1]:
                times[name].append(found[name](folder / "model.onnx", options.seconds))
                print(f"{name}: {times[name][-1]:.3f} ms", file=sys.stderr)
    print(f"{'median ms':<18} {'median':>8} {'spread':>9} {'ratio':>8}   of {options.repetitions} repetitions")
    for name, values in times.items():
        report(name, values, times["lpbench"])
    print(*absent, sep="\n", end="\n" if absent else "")
    print(f"one thread on core {options.affinity}; {neighbours}")


if __name__ == "__main__":
    main()
