"""Sums up TensorRT's times of each run's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.layer_kinds import category
from lpbench_trt._library import trt
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench_trt._inspect import Layer

SINGLE_RUNS = 100
"""Runs up to which each one's times are kept; of more, the mean alone."""
NANO_PER_MS = 1e6


class LayerTimes(trt.IProfiler):
    """Collects what TensorRT reports after each run, which is asked for when the run is complete.

    The first run since opening loads kernels, so it counts only if there is no other.
    """

    def __init__(self, context: trt.IExecutionContext) -> None:
        trt.IProfiler.__init__(self)
        self._runs = 0
        self._spent: dict[str, int] = {}
        self._single: list[dict[str, int]] = []
        self._run: dict[str, int] = {}
        context.profiler = self
        context.enqueue_emits_profile = False

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """Keep a layer's time; called by TensorRT."""
        ns = max(0, round(ms * NANO_PER_MS))
        self._run[layer_name] = self._run.get(layer_name, 0) + ns

    def add(self, context: trt.IExecutionContext) -> None:
        """Add the last run.

        :raises EngineError: TensorRT does not report it.
        """
        self._run = {}
        if not context.report_to_profiler():
            raise log().explained("TensorRT does not report the layers' times")
        if self._runs == 1:
            self._spent.clear()
            self._single.clear()
        self._runs += 1
        for name, ns in self._run.items():
            self._spent[name] = self._spent.get(name, 0) + ns
        if len(self._single) < SINGLE_RUNS:
            self._single.append(self._run)

    def records(self, layers: Sequence[Layer]) -> list[dict[str, Any]]:
        """Return one record for each layer that ran, in the order of execution.

        :param layers: What the inspector tells of them.
        :raises EngineError: The session has not run.
        """
        if not self._runs:
            raise EngineError(
                "there is no profile, because the session has not run yet",
                hint="run the session a few times before calling profile()",
            )
        known = {layer.name: layer for layer in layers}
        counted = max(1, self._runs - 1)
        single = self._single if len(self._single) == counted else []
        return [
            {
                **_record(name, round(ns / counted), known.get(name)),
                **({"runs_ns": [run.get(name, 0) for run in single]} if single else {}),
            }
            for name, ns in self._spent.items()
        ]


def _record(name: str, ns: int, layer: Layer | None) -> Mapping[str, Any]:
    if layer is None or not layer.type:
        return {"name": name, "type": "unknown", "ns": ns}
    facts = {"precision": layer.precision, "kernel": layer.kernel}
    known = {key: value for key, value in facts.items() if value}
    return {"name": name, "type": layer.type, "category": category(layer.type), "ns": ns, **known}
