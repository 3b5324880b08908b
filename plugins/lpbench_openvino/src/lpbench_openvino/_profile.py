"""Sums up OpenVINO's times of each run's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import category

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_openvino._nodes import Node


class Profile:
    """Time of each layer, summed over runs.

    The first run allocates memory, so it counts only if there is no other.
    """

    def __init__(self) -> None:
        self._runs = 0
        self._spent: dict[tuple[str, str], float] = {}

    def add(self, request: Any) -> None:
        """Add the last run."""
        if self._runs == 1:
            self._spent.clear()
        self._runs += 1
        for layer in request.profiling_info:
            if str(layer.status).endswith("EXECUTED"):
                key = (layer.node_name, layer.node_type)
                self._spent[key] = self._spent.get(key, 0) + layer.real_time.total_seconds() * 1e9

    def records(self, nodes: Sequence[Node]) -> list[dict[str, Any]]:
        """Return one record for each layer that ran, in the order of execution.

        :raises EngineError: The session has not run.
        """
        if not self._runs:
            raise EngineError(
                "there is no profile, because the session has not run yet",
                hint="run the session a few times before calling profile()",
            )
        known = {node.name: node for node in nodes}
        counted = max(1, self._runs - 1)
        return [_record(name, kind, ns / counted, known.get(name)) for (name, kind), ns in self._spent.items()]


def _record(name: str, kind: str, ns: float, node: Node | None) -> dict[str, Any]:
    record = {"name": name, "type": kind, "category": category(kind), "ns": round(ns)}
    if node is None:
        return record
    return {**record, "precision": node.precision, "kernel": node.kernel, "fused": list(node.fused)}
