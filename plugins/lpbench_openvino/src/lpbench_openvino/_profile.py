"""Sums up OpenVINO's times of each run's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import category

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_openvino._nodes import Node

SINGLE_RUNS = 100
"""Runs up to which each one's times are kept; of more, the mean alone."""
PENDING = 64
"""Runs whose counters wait to be added up: that takes longer than to fetch them, and counts as part of a run."""
NANO = 1e9

Key = tuple[str, str]


class Profile:
    """Time of each layer, summed over runs.

    The first run allocates memory, so it counts only if there is no other.
    """

    def __init__(self) -> None:
        self._runs = 0
        self._spent: dict[Key, float] = {}
        self._single: list[dict[Key, int]] = []
        self._pending: list[Any] = []

    def add(self, request: Any) -> None:
        """Add the last run."""
        self._pending.append(request.profiling_info)
        if len(self._pending) >= PENDING:
            self._add_up()

    def records(self, nodes: Sequence[Node]) -> list[dict[str, Any]]:
        """Return one record for each layer that ran, in the order of execution.

        :raises EngineError: The session has not run.
        """
        self._add_up()
        if not self._runs:
            raise EngineError(
                "there is no profile, because the session has not run yet",
                hint="run the session a few times before calling profile()",
            )
        known = {node.name: node for node in nodes}
        counted = max(1, self._runs - 1)
        single = self._single if len(self._single) == counted else []
        return [
            {
                **_record(key, ns / counted, known.get(key[0])),
                **({"runs_ns": [run.get(key, 0) for run in single]} if single else {}),
            }
            for key, ns in self._spent.items()
        ]

    def _add_up(self) -> None:
        pending, self._pending = self._pending, []
        for layers in pending:
            if self._runs == 1:
                self._spent.clear()
                self._single.clear()
            self._runs += 1
            run: dict[Key, int] = {}
            for layer in layers:
                if str(layer.status).endswith("EXECUTED"):
                    key = (layer.node_name, layer.node_type)
                    run[key] = run.get(key, 0) + round(layer.real_time.total_seconds() * NANO)
            for key, ns in run.items():
                self._spent[key] = self._spent.get(key, 0) + ns
            if len(self._single) < SINGLE_RUNS:
                self._single.append(run)


def _record(key: Key, ns: float, node: Node | None) -> dict[str, Any]:
    name, kind = key
    record = {"name": name, "type": kind, "category": category(kind), "ns": round(ns)}
    if node is None:
        return record
    return {**record, "precision": node.precision, "kernel": node.kernel, "fused": list(node.fused)}
