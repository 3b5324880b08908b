"""Overhead of lpbench around TensorRT, over the fake of it that the tests use: it needs no GPU and measures none.

Both loops run in one process over the same plan, alternating in short turns.  The handwritten loop makes the vendor's
calls in the same order with arguments converted beforehand; it neither checks nor copies arrays nor names outputs.
What the fake computes while it is waited for is the same in both and left out of the ratio.

    python benchmarks/engine_tensorrt.py [--rounds 300]
"""

from __future__ import annotations

import ctypes
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _alternate import COUNT, by_hand, prepare, report_calls
from overhead import alternate, measured

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' fake is found from the repository's root

from plugins.lpbench_trt.tests import fake_site
from plugins.lpbench_trt.tests.networks import SHAPES, network

from lpbench.plugin.engine import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.lpbench_trt.tests.bare import Bare

GOAL_US = 20
"""What a run of lpbench's may add to the vendor's calls, in microseconds."""


def handwritten(bare: Bare) -> tuple[Callable[[], None], list[int]]:
    """Return a run in the vendor's calls alone, and the list of nanoseconds that each waited."""
    copy, wait = bare.cuda.library.cudaMemcpyAsync, bare.cuda.library.cudaStreamSynchronize
    (to, source, given), (found, target, shown) = next(iter(bare.inputs.values())), next(iter(bare.outputs.values()))
    stream, execute, handle = ctypes.c_void_p(bare.stream), bare.context.execute_async_v3, bare.stream
    send = [ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(given.nbytes), ctypes.c_int(1), stream]
    fetch = [ctypes.c_void_p(target), ctypes.c_void_p(found), ctypes.c_size_t(shown.nbytes), ctypes.c_int(2), stream]
    waited: list[int] = []

    def run() -> None:
        if copy(*send) or not execute(handle) or copy(*fetch):
            raise RuntimeError("the fake refuses a call")
        begun = time.perf_counter_ns()
        if wait(stream):
            raise RuntimeError("the fake refuses to wait")
        waited.append(time.perf_counter_ns() - begun)

    return run, waited


def compare(folder: Path, rounds: int) -> None:
    """Print microseconds of both and the ratio without the time of waiting."""
    from plugins.lpbench_trt.tests.bare import Bare, plan

    from lpbench_trt._engine import TensorrtEngine
    from lpbench_trt.config import TensorrtConfig

    path = folder / "model.plan"
    path.write_bytes(plan(network(folder, SHAPES["x"][0])))
    bare = Bare(path.read_bytes())
    run, waited = handwritten(bare)
    feeds = {"x": np.random.default_rng(1).standard_normal(SHAPES["x"], np.float32)}
    with TensorrtEngine().open(Model("plan", path), TensorrtConfig(), shapes={}) as session:
        loops = alternate(partial(by_hand, run), partial(measured, session, feeds, COUNT), rounds)
        version = session.describe()["version"]
    bare.close()
    report_calls(f"TensorRT {version}", loops, waited, GOAL_US)


def main() -> None:
    """Compare on a product of small matrices."""
    rounds = prepare(__doc__)
    if shutil.which("cc") is None:
        print("skipped: needs a C compiler, for the fake CUDA runtime")
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(fake_site.build(Path(folder) / "site")))
        compare(Path(folder), rounds)


if __name__ == "__main__":
    main()
