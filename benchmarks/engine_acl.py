"""Overhead of lpbench around AscendCL, over the fake of it that the tests use: it needs no NPU and measures none.

Both loops run in one process on the same model, alternating in short turns.  The handwritten loop makes the vendor's
calls in the same order with arguments prepared beforehand; it neither checks nor copies arrays nor names outputs.
What the fake copies and computes, which it does while it is waited for, is the same in both and left out of the ratio.

    python benchmarks/engine_acl.py [--rounds 300]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from _alternate import COUNT, by_hand, prepare, report_calls
from overhead import alternate, measured

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' fake is found from the repository's root

from plugins.lpbench_acl.tests import fake_site
from plugins.lpbench_acl.tests.bare import DEVICE_TO_HOST, HOST_TO_DEVICE, Bare
from plugins.lpbench_acl.tests.networks import X, network

from lpbench.plugin.engine import Model

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 120
GOAL_US = 40
"""What a run of lpbench's may add to the vendor's calls, in microseconds."""


def handwritten(bare: Bare) -> tuple[Callable[[], None], list[int]]:
    """Return a run in the vendor's calls alone, and the list of nanoseconds that each waited."""
    copy, wait, execute = bare.acl.rt.memcpy_async, bare.acl.rt.synchronize_stream, bare.acl.mdl.execute_async
    (given,), (found,), stream = bare.inputs, bare.outputs, bare.device.stream
    send = (given.device, given.size, given.host, given.array.nbytes, HOST_TO_DEVICE, stream)
    fetch = (found.host, found.size, found.device, found.array.nbytes, DEVICE_TO_HOST, stream)
    model = (bare.model, *bare.datasets, stream)
    waited: list[int] = []

    def run() -> None:
        if copy(*send) or execute(*model) or copy(*fetch):
            raise RuntimeError("the fake refuses a call")
        begun = time.perf_counter_ns()
        if wait(stream):
            raise RuntimeError("the fake refuses to wait")
        waited.append(time.perf_counter_ns() - begun)

    return run, waited


def turn(bare: Bare, run: Callable[[], None]) -> float:
    """Return the nanoseconds of a handwritten inference, in its own context, which is put in force before."""
    if bare.acl.rt.set_context(bare.device.context):
        raise RuntimeError("the fake refuses a context")
    return by_hand(run)


def compare(path: Path, rounds: int) -> None:
    """Print microseconds of both and the ratio without the time of waiting."""
    from lpbench_acl._engine import AclEngine
    from lpbench_acl.config import AclConfig

    bare = Bare(str(path))
    run, waited = handwritten(bare)
    with AclEngine().open(Model("om", path), AclConfig(), shapes={}) as session:
        theirs, mine = partial(turn, bare, run), partial(measured, session, {"x": X}, COUNT)
        loops = alternate(theirs, mine, rounds)
        version = session.describe()["version"]
    turn(bare, run)  # closing needs its context in force
    bare.close()
    report_calls(f"CANN {version}", loops, waited, GOAL_US)


def converted(site: fake_site.Site, folder: Path) -> Path:
    """Return a product of small matrices that the fake of ATC has converted."""
    options = {"model": network(folder), "framework": 5, "output": folder / "model", "soc_version": fake_site.SOC}
    words = [str(site.programs / "atc"), *(f"--{name}={value}" for name, value in options.items())]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS, cwd=folder)  # ATC leaves files there
    return folder / "model.om"


def main() -> None:
    """Compare on a product of small matrices."""
    rounds = prepare(__doc__)
    os.environ["FAKE_CALLS"] = "0"  # counting them is no part of a run
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = fake_site.build(folder / "cann")
        sys.path.insert(0, str(site.packages))
        os.environ["ASCEND_TOOLKIT_HOME"] = str(site.root)
        compare(converted(site, folder), rounds)


if __name__ == "__main__":
    main()
