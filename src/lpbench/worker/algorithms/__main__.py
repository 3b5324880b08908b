"""Runs one configuration once: ``python -m lpbench.worker.algorithms REQUEST ANSWER``, two files of JSON."""

from __future__ import annotations

import faulthandler
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.util.address_space import limit_memory
from lpbench.util.dataclass_config import build
from lpbench.util.jsonable import to_jsonable
from lpbench.util.text import brief
from lpbench.worker.__main__ import describe_error
from lpbench.worker.algorithms import memory
from lpbench.worker.algorithms.adapters import algorithm_of
from lpbench.worker.algorithms.messages import Figures, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.algorithm import Algorithm


SHORT_S = 0.1
"""Seconds that timing takes at least: one pass of milliseconds says little."""
PASSES = 101
"""Passes over the instances that are enough however short they are."""


def main(arguments: list[str]) -> int:
    """Run as requested and write an answer: figures or the error."""
    request, answer = map(Path, arguments)
    faulthandler.enable()
    try:
        asked = build(Request, json.loads(request.read_text("utf-8")))
        if asked.memory:
            limit_memory(asked.memory)
        result: dict[str, Any] = {"figures": to_jsonable(_run(asked))}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an algorithm may raise anything, and the parent must know
        result = {"error": {**describe_error(error), "memory": isinstance(error, MemoryError)}}
    sys.stdout.flush()
    answer.write_text(json.dumps(result), encoding="utf-8")
    return 0


def _run(request: Request) -> Figures:
    """Run the first instance untimed, then each instance timed, all of them again where they are short.

    The untimed run warms caches up and has its memory measured; what that costs would be part of a timed one.
    """
    algorithm = algorithm_of(request)
    peak = memory.measured(algorithm, request.values, algorithm.prepare(request.values, 0))
    began = time.perf_counter()
    first = [_judged(algorithm, request, instance) for instance in range(request.instances)]
    targets = {name: tuple(stated[name] for _, stated in first) for name in request.targets}
    times = [[seconds] for seconds, _ in first]
    while len(times[0]) < PASSES and time.perf_counter() - began < SHORT_S:
        for instance, known in enumerate(times):
            known.append(_timed(algorithm, request, instance)[0])
    return Figures(tuple(map(statistics.median, times)), peak, targets)


def _timed(algorithm: Algorithm, request: Request, instance: int) -> tuple[float, Any, Any]:
    """Return the seconds of one instance, what it worked on and its answer."""
    prepared = algorithm.prepare(request.values, instance)
    began = time.perf_counter()
    answer = algorithm.run(request.values, prepared)
    return time.perf_counter() - began, prepared, answer


def _judged(algorithm: Algorithm, request: Request, instance: int) -> tuple[float, Mapping[str, float | None]]:
    """Return the seconds of one instance, and its targets."""
    seconds, prepared, answer = _timed(algorithm, request, instance)
    stated = algorithm.judge(request.values, prepared, answer) if request.targets else {}
    return seconds, {name: _number(stated, name) for name in request.targets}


def _number(stated: Mapping[str, Any], name: str) -> float | None:
    """Return a target; None where the algorithm says that the answer has none.

    :raises LpbenchError: It is not stated, or is no finite number.
    """
    if name not in stated:
        raise LpbenchError(f'does not state the target "{name}"')
    if stated[name] is None:
        return None
    try:
        number = float(stated[name])
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise LpbenchError(f'states {brief(stated[name])} as target "{name}", no finite number')
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
