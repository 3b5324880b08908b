"""Reads the profile that ONNX Runtime writes: one record for each node, averaged over the runs."""

from __future__ import annotations

import bisect
import json
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import category
from lpbench_ort._types import PRECISIONS, numpy_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Event = Mapping[str, Any]

KERNEL = "_kernel_time"
NS_PER_US = 1000
SINGLE_RUNS = 100
"""Runs up to which a record holds the times of each one."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records of a profile in the order of execution.

    ``ns`` is the mean over the runs.  The first run allocates memory, so it is left
    out if there are others.  The profile's resolution is one microsecond.

    :raises EngineError: The profile contains no run.
    """
    events = json.loads(path.read_text(encoding="utf-8"))
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    if not starts:
        raise EngineError(
            "there is no profile, because the session has not run yet",
            hint="run the session a few times before calling profile()",
        )
    kept = starts[1:] or starts
    kernels = [event for event in events if _is_kernel(event) and event["ts"] >= kept[0]]
    return [{**_record(group, len(kept)), **_single(group, kept)} for group in _by_node(kernels)]


def _single(events: list[Event], starts: list[int]) -> dict[str, list[int]]:
    """Return a node's nanoseconds in each run, in none of which it need have run; nothing of too many runs.

    :param starts: When the runs began, in order.
    """
    if len(starts) > SINGLE_RUNS:
        return {}
    times = [0] * len(starts)
    for event in events:
        times[bisect.bisect_right(starts, event["ts"]) - 1] += event["dur"] * NS_PER_US
    return {"runs_ns": times}


def _is_kernel(event: Event) -> bool:
    return event.get("cat") == "Node" and str(event["name"]).endswith(KERNEL)


def _by_node(events: list[Event]) -> list[list[Event]]:
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(events, key=lambda event: int(event["ts"])):
        groups.setdefault((event["name"], str(event["args"].get("node_index"))), []).append(event)
    return list(groups.values())


def _record(events: list[Event], runs: int) -> dict[str, Any]:
    first, arguments = events[0], events[0]["args"]
    inputs, outputs = _tensors(arguments.get("input_type_shape")), _tensors(arguments.get("output_type_shape"))
    record = {
        "name": first["name"].removesuffix(KERNEL),
        "type": arguments.get("op_name", ""),
        "category": category(arguments.get("op_name", "")),
        "ns": round(sum(event["dur"] for event in events) * NS_PER_US / runs),
        "provider": arguments.get("provider", ""),
        "calls": len(events) / runs,
        "inputs": inputs,
        "outputs": outputs,
    }
    precision = next((PRECISIONS[tensor["dtype"]] for tensor in inputs if tensor["dtype"] in PRECISIONS), "")
    return {**record, "precision": precision} if precision else record


def _tensors(described: list[dict[str, list[int]]] | None) -> list[dict[str, Any]]:
    """Return ``[{"float": [1, 3]}]`` as ``[{"dtype": "float32", "shape": [1, 3]}]``."""
    return [{"dtype": numpy_name(name), "shape": shape} for tensor in described or [] for name, shape in tensor.items()]
