"""Overhead of lpbench's timed loop: ns per sample compared with a bare loop around the same ONNX Runtime session.

Both loops run in one process, alternating many times.  The bare loop reads the
clock twice and calls ``InferenceSession.run``, as a careful script would; lpbench's
loop is the one that all benchmarks use, with empty processors.

    python benchmarks/overhead.py [--rounds 300]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported

import numpy as np
import onnx
import onnxruntime

from lpbench.plugin.engine import Model, Session
from lpbench.plugin.processor import Sample
from lpbench.results import stats
from lpbench.worker.timed_loop import clock_reads, collector_off, time_samples
from lpbench_ort._engine import OrtEngine
from lpbench_ort.config import OrtConfig

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_NS = 500
LIMIT_RATIO = 1.005
GOAL_READS = 3
"""What lpbench may add to the bare loop, in clock reads; two are inherent, since it reads the clock four times."""


def small(folder: Path) -> Path:
    """Write a model that takes a few microseconds: one addition."""
    node = onnx.helper.make_node("Add", ["x", "x"], ["y"])
    return _save(folder / "small.onnx", [node], [1, 64], [1, 64], {})


def large(folder: Path, layers: int = 15, channels: int = 32, size: int = 56) -> Path:
    """Write a model that takes a few milliseconds on one thread: 3x3 convolutions with seeded weights."""
    random = np.random.default_rng(0)
    nodes, weights, value = [], {}, "x"
    for layer in range(layers):
        into = f"c{layer}"
        scale = np.float32(np.sqrt(2 / (9 * channels)))
        weights[f"w{layer}"] = random.standard_normal((channels, channels, 3, 3), np.float32) * scale
        nodes.append(onnx.helper.make_node("Conv", [value, f"w{layer}"], [into], pads=[1] * 4))
        value = f"r{layer}"
        nodes.append(onnx.helper.make_node("Relu", [into], [value]))
    nodes.append(onnx.helper.make_node("GlobalAveragePool", [value], ["y"]))
    return _save(folder / "large.onnx", nodes, [1, channels, size, size], [1, channels, 1, 1], weights)


def _save(path: Path, nodes: list[Any], given: list[int], found: list[int], weights: dict[str, Any]) -> Path:
    value = onnx.helper.make_tensor_value_info
    inputs, outputs = [value("x", onnx.TensorProto.FLOAT, given)], [value("y", onnx.TensorProto.FLOAT, found)]
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = onnx.helper.make_graph(nodes, path.stem, inputs, outputs, tensors)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def bare(session: Any, feeds: dict[str, Any], count: int) -> float:
    """Return the wall time in nanoseconds of one sample in a carefully handwritten loop."""
    clock, taken = time.perf_counter_ns, [0] * count
    with collector_off():
        begun = clock()
        for at in range(count):
            before = clock()
            session.run(None, feeds)
            after = clock()
            taken[at] = after - before
        return (clock() - begun) / count


def measured(session: Session, feeds: dict[str, Any], count: int) -> float:
    """Return the wall time in nanoseconds of one sample in lpbench's timed loop."""
    samples, out = [Sample("", feeds)] * count, clock_reads(count)

    def pre(sample: Sample) -> Any:
        return sample.data

    def post(outputs: object, sample: Sample) -> None:
        """Do nothing."""

    with collector_off():
        begun = time.perf_counter_ns()
        time_samples(pre, session.run, post, samples, out)
        return (time.perf_counter_ns() - begun) / count


def clock_read(count: int = 100_000, rounds: int = 15) -> float:
    """Return what one read of the clock takes on this machine, in nanoseconds: overheads of machines compare by it."""
    clock = time.perf_counter_ns

    def loop(reads: int) -> float:
        begun = clock()
        for _ in range(count):
            for _ in range(reads):
                clock()
        return (clock() - begun) / count

    return statistics.median((loop(11) - loop(1)) / 10 for _ in range(rounds))


def compare(path: Path, rounds: int, count: int) -> tuple[list[float], list[float]]:
    """Return ns per sample of the bare loop and of lpbench's, one value for each round, in the order A B B A."""
    with OrtEngine().open(Model("onnx", path), OrtConfig(threads=1), shapes={}) as session:
        session_bare = session._session  # type: ignore[attr-defined] # noqa: SLF001 - the very same InferenceSession
        shape = [size for size in session.inputs[0].shape if isinstance(size, int)]
        feeds = {"x": np.random.default_rng(1).standard_normal(shape, np.float32)}
        plain, ours = partial(bare, session_bare, feeds, count), partial(measured, session, feeds, count)
        return alternate(plain, ours, rounds)


def alternate(plain: Callable[[], float], ours: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Return the measurements of both, one value for each round, in the order A B B A."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(-2, rounds):  # two turns to warm up
        for which in (0, 1) if turn % 2 else (1, 0):
            ns = ours() if which else plain()
            if turn >= 0:
                times[which].append(ns)
    return times


def report(name: str, plain: list[float], ours: list[float]) -> tuple[float, list[float]]:
    """Print one line of medians over the rounds; return the extra ns per sample and each round's ratio."""
    extra = statistics.median(after - before for before, after in zip(plain, ours, strict=True))
    ratios = [after / before for before, after in zip(plain, ours, strict=True)]
    medians = f"{statistics.median(plain):12.0f} {statistics.median(ours):12.0f}"
    print(
        f"{name:<8} {medians} {extra:+10.0f} {statistics.median(ratios):9.4f}   {_interval(ratios):<20} {len(plain):6}"
    )
    return extra, ratios


def _interval(ratios: list[float]) -> str:
    interval = stats.median_interval(ratios)
    return f"{interval.lower:.4f} to {interval.upper:.4f}" if isinstance(interval, stats.Interval) else interval.reason


def verdict(ratios: list[float], limit: float = LIMIT_RATIO) -> str:
    """Return whether the ratio is within its limit, or that this machine is too noisy to decide."""
    interval = stats.median_interval(ratios)
    if isinstance(interval, stats.Interval) and interval.lower <= limit < interval.upper:
        return "undecided: the interval includes the limit; repeat on a quieter machine"
    return "met" if statistics.median(ratios) <= limit else "MISSED"


def main() -> None:
    """Print ns per sample and the ratio for a small and a large model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="rounds of each model (default %(default)s)")
    rounds = parser.parse_args().rounds
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # migration between cores would be most of the noise
    print(f"onnxruntime {onnxruntime.__version__}, one thread on core {core}; medians over rounds, ns per sample")
    print(f"{'model':<8} {'bare':>12} {'lpbench':>12} {'extra':>10} {'ratio':>9}   {'95 % interval':<20} {'rounds':>6}")
    with tempfile.TemporaryDirectory() as folder:
        extra, _ = report("small", *compare(small(Path(folder)), rounds, 2000))
        _, ratios = report("large", *compare(large(Path(folder)), rounds, 3))
    print(f"small: {extra:+.0f} ns per sample, at most {LIMIT_NS}: {'met' if extra <= LIMIT_NS else 'MISSED'}")
    read_ns = clock_read(20_000)
    print(f"small: {extra / read_ns:.1f} clock reads of {read_ns:.0f} ns each, goal {GOAL_READS}")
    print(f"large: ratio {statistics.median(ratios):.4f}, at most {LIMIT_RATIO}: {verdict(ratios)}")


if __name__ == "__main__":
    main()
