"""The time of an engine's layers: values that a worker sends, a journal keeps and a result holds.

A profile is taken in a pass of its own, by a session that is slower for it; times are nanoseconds of one run.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass, field

MOST_LAYERS = 2_000
"""Layers that a profile keeps; the fastest of more are left out, with their number and time."""


@dataclass(frozen=True)
class LayerRecord:
    """One layer, as its engine names it.

    :param name: Its name in the model, or what the engine made of it.
    :param kind: Kind of kernel, one of ``lpbench.plugin.kit.layer_kinds.CATEGORIES``.
    :param type: The engine's word for the operation.
    :param ns: Mean of the runs.
    :param count: How often it was computed in a run: more than once in loops.
    """

    name: str
    kind: str
    type: str
    ns: float
    count: float = 1.0


@dataclass(frozen=True)
class KindTime:
    """All layers of one kind.

    :param name: The kind.
    :param ns: Mean of the runs, of all its layers together: kinds add up.
    :param median_ns: Median of the runs, likewise; None where the engine tells means alone.  Medians do not add up.
    :param layers: How many there are.
    """

    name: str
    ns: float
    median_ns: float | None
    layers: int


@dataclass(frozen=True)
class LayerProfile:
    """The layers of one component, and the spans of its device.

    :param component: Name of a chain's component; empty where there is one.
    :param engine: The engine that runs it.
    :param runs: Runs that it rests on; the first, which allocates memory, is none of them.
    :param inference_ns: What lpbench took for one of these runs from outside, the mean; ``median_ns`` is the median.
    :param outside_median_ns: Median of what a run takes outside of all layers; None as in ``KindTime``.
    :param kinds: By kind, the slowest first; of all layers, those that were left out among them.
    :param layers: In the engine's order, which is that of computation.
    :param left_out: Layers beyond ``MOST_LAYERS``, the fastest; ``left_out_ns`` is their time.
    :param reason: Why there are no layers; else empty.
    :param device_spans: The device's own time by activity, median of the runs: a part of the inference.
    :param spans_reason: Why there are none; else empty.
    """

    component: str = ""
    engine: str = ""
    runs: int = 0
    inference_ns: float = 0.0
    median_ns: float = 0.0
    outside_median_ns: float | None = None
    kinds: tuple[KindTime, ...] = ()
    layers: tuple[LayerRecord, ...] = ()
    left_out: int = 0
    left_out_ns: float = 0.0
    reason: str = ""
    device_spans: Mapping[str, float] = field(default_factory=dict)
    spans_reason: str = ""

    @property
    def layers_ns(self) -> float:
        """What all layers take in a run, the mean."""
        return sum(kind.ns for kind in self.kinds)

    @property
    def outside_ns(self) -> float:
        """What a run takes outside of the layers, the mean; below 0 where layers ran at the same time."""
        return self.inference_ns - self.layers_ns

    def share(self, ns: float) -> float:
        """Return a time's share of the inference, 0 to 1; 0 where that is not known."""
        return ns / self.inference_ns if self.inference_ns else 0.0
