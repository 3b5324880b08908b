"""Static analysis of a model of VGG-19's size (143.7 M parameters, 575 MB): time and memory, beside onnx-tool.

``lpbench analyze`` with an empty cache, as a whole process, against ``python -m onnx_tool`` on the same file, in turns;
and without asking the installed engines for their operators, which open the model with its weights.
Goals: at most 5 s and 1.5 GB, and no longer than onnx-tool takes, which is left out where it is not installed
(pip install onnx-tool).  A minute on a quiet machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from models import Neighbours

SECONDS, GIGABYTES, RATIO = 5.0, 1.5, 1.0
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Filters and convolutions of the blocks of VGG-19 (Simonyan and Zisserman 2014); a pooling follows each."""
DENSE = (4096, 4096, 1000)
SIDE = 224
PARAMETERS, GFLOP = 143_667_240, 39.3
"""Of the published network; its 19.6 billion multiply-accumulates count twice."""
OPSET = 13


class Cost(NamedTuple):
    """What a process and its children took: seconds, of these of the CPU, and gigabytes of the largest of them."""

    seconds: float
    cpu: float
    gigabytes: float


def main() -> None:
    """Print a line for each tool, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the model and end")
    options = parser.parse_args()
    if options.write:
        vgg19(options.write)
        return
    neighbours = Neighbours()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "vgg19.onnx"
        # A process's peak counts what its parent held when it was started: this one must not hold the weights.
        subprocess.run([sys.executable, __file__, "--write", str(model)], check=True)
        check(model, folder)
        costs = measure(commands(model), folder, options.rounds)
    print(f"busy: {neighbours}")
    print(f"{'VGG-19, whole process':24}{'median s':>10}{'CPU s':>8}{'GB':>8}")
    for name, some in costs.items():
        print(f"{name:24}{median(some).seconds:10.2f}{median(some).cpu:8.2f}{median(some).gigabytes:8.2f}")
    ours = median(costs["lpbench analyze"])
    print(f"at most {SECONDS:g} s: {verdict(ours.seconds, SECONDS)}")
    print(f"at most {GIGABYTES:g} GB: {verdict(ours.gigabytes, GIGABYTES)}")
    if "onnx_tool" in costs:
        pairs = zip(costs["lpbench analyze"], costs["onnx_tool"], strict=True)
        ratio = statistics.median(one.seconds / other.seconds for one, other in pairs)
        print(f"{'ratio of times':24}{ratio:10.3f}  at most {RATIO:g}: {verdict(ratio, RATIO)}")
    else:
        print("onnx-tool is not installed: pip install onnx-tool")


def vgg19(path: Path) -> None:
    """Write the network with random weights."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    channels, data = 3, "input"

    def weighted(kind: str, *shape: int, **attributes: Any) -> None:
        nonlocal data
        at = len(nodes)
        for name, size in ((f"w{at}", shape), (f"b{at}", shape[:1])):
            weights.append(onnx.numpy_helper.from_array(rng.random(size, np.float32), name))
        nodes.append(onnx.helper.make_node(kind, [data, f"w{at}", f"b{at}"], [f"y{at}"], f"n{at}", **attributes))
        data = f"y{at}"

    def plain(kind: str, **attributes: Any) -> None:
        nonlocal data
        at = len(nodes)
        nodes.append(onnx.helper.make_node(kind, [data], [f"y{at}"], f"n{at}", **attributes))
        data = f"y{at}"

    for filters, count in BLOCKS:
        for _ in range(count):
            weighted("Conv", filters, channels, 3, 3, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            plain("Relu")
            channels = filters
        plain("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    plain("Flatten")
    features = channels * (SIDE >> len(BLOCKS)) ** 2
    for at, units in enumerate(DENSE):
        weighted("Gemm", units, features, transB=1)
        if at < len(DENSE) - 1:
            plain("Relu")
        features = units
    floats = onnx.TensorProto.FLOAT
    first = onnx.helper.make_tensor_value_info("input", floats, [1, 3, SIDE, SIDE])
    last = onnx.helper.make_tensor_value_info(data, floats, [1, DENSE[-1]])
    graph = onnx.helper.make_graph(nodes, "vgg19", [first], [last], weights)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.save(made, path)


def commands(model: Path) -> dict[str, list[str]]:
    """Return the command of each tool that is installed."""
    ours = [str(Path(sys.executable).with_name("lpbench")), "analyze", str(model), "--json"]
    found = {"lpbench analyze": ours, "without engines": [*ours, "--no-engines"]}
    if importlib.util.find_spec("onnx_tool"):
        found["onnx_tool"] = [sys.executable, "-m", "onnx_tool", "-i", str(model)]
    return found


def check(model: Path, folder: Path) -> None:
    """Refuse figures of an analysis that counts something else than the published network has."""
    command = commands(model)["lpbench analyze"]
    done = subprocess.run(command, env=environment(folder), stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    counted = round(found["#PARAMS"] * 1e6), round(found["GFLOP"], 1)
    if counted != (PARAMETERS, GFLOP):
        raise ValueError(f"the analysis counts {counted}; the published network has {PARAMETERS, GFLOP}")


def measure(tools: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, list[Cost]]:
    """Return what each tool took, in turns whose order alternates."""
    costs: dict[str, list[Cost]] = {name: [] for name in tools}
    for at in range(rounds):
        for name in sorted(tools, reverse=bool(at % 2)):
            costs[name].append(cost(tools[name], folder / f"cache-{at}-{name.split()[0]}"))
    return costs


def cost(command: list[str], cache: Path) -> Cost:
    """Return what one process took."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment(cache), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    spent = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(spent, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9)


def environment(cache: Path) -> dict[str, str]:
    """Return variables with an empty cache, in which the analysis of an earlier round is not found."""
    return {**os.environ, "XDG_CACHE_HOME": str(cache)}


def median(costs: list[Cost]) -> Cost:
    """Return the median of each."""
    return Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))


def verdict(value: float, limit: float) -> str:
    """Say whether a goal is met."""
    return "ok" if value <= limit else "above the limit"


if __name__ == "__main__":
    main()
