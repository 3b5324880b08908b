"""The contract of an analyzer, which counts from a model's file alone what one inference costs.

An analyzer runs in its own process, with limits of time and memory, because model files come from other people.
``lpbench.plugin.kit.operator_costs`` has the rules that analyzers of all formats share.
"""

from __future__ import annotations

import abc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import TensorInfo  # noqa: TC001 - read from the annotations when an answer is checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import Model, Shapes

__all__ = ["Analysis", "AnalysisError", "Analyzer", "LayerCost"]


@dataclass(frozen=True)
class LayerCost:
    """What one operator of a graph costs in one inference.

    :param name: Its name in the file.
    :param type: The operator as the format names it: ``Conv``, ``CONV_2D``.
    :param kind: Its kind of kernel, one of ``lpbench.plugin.kit.layer_kinds.CATEGORIES``.
    :param flop: Floating-point operations, 2 per multiply-accumulate; 0 where the operator has none, None where its
        rule is not known, or a size that the rule needs.
    :param params: Learnable weights that no layer before it uses, so that those of all layers add up.
    :param weight_bytes: Bytes of all weights that it reads, as they are stored.
    :param read_bytes: Bytes of the activations that it reads; None where a size is not known.
    :param written_bytes: Bytes of what it writes; None where a size is not known.
    :param shape: Of its first output; empty where it is not known.
    """

    name: str
    type: str
    kind: str
    flop: int | None
    params: int = 0
    weight_bytes: int = 0
    read_bytes: int | None = 0
    written_bytes: int | None = 0
    shape: tuple[int, ...] = ()

    @property
    def bytes_moved(self) -> int | None:
        """Bytes that it reads and writes, weights among them; None where a size is not known."""
        if self.read_bytes is None or self.written_bytes is None:
            return None
        return self.weight_bytes + self.read_bytes + self.written_bytes


@dataclass(frozen=True)
class Analysis:
    """What one inference of a model costs, for the shapes of its inputs.

    :param inputs: With every dimension that was resolved.
    :param outputs: Likewise; a dimension that depends on the values of the inputs stays open.
    :param layers: The operators in order of execution, without those that depend on constants alone.
    :param params: Learnable weights.
    :param storage_bytes: Bytes of all weights as they are stored: the learnable ones, statistics, scales.
    :param activation_bytes: Greatest sum of the tensors alive at once, weights left out, where each has memory of its
        own from the operator that writes it to the last that reads it; None where a size is not known.
    :param precision: Of the stored weights, by most bytes: F32, F16, BF16, S8, U8, …; empty without weights.
    :param notes: What a reader has to know about these numbers, one plain sentence each.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    layers: tuple[LayerCost, ...]
    params: int
    storage_bytes: int
    activation_bytes: int | None
    precision: str
    notes: tuple[str, ...] = ()

    @property
    def flop(self) -> int:
        """Floating-point operations of the layers that were counted; ``uncounted`` names the others."""
        return sum(layer.flop or 0 for layer in self.layers)

    @property
    def uncounted(self) -> Mapping[str, int]:
        """Number of operators without a known rule, by type, the most frequent first."""
        return dict(Counter(layer.type for layer in self.layers if layer.flop is None).most_common())

    @property
    def operators(self) -> Mapping[str, int]:
        """Number of operators by type, the most frequent first."""
        return dict(Counter(layer.type for layer in self.layers).most_common())

    @property
    def bytes_moved(self) -> int | None:
        """Bytes that all layers read and write, without any cache; None where a size is not known."""
        moved = [layer.bytes_moved for layer in self.layers]
        return None if None in moved else sum(filter(None, moved))

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity: floating-point operations per byte moved; None where the bytes are not known."""
        moved = self.bytes_moved
        return self.flop / moved if moved else None


class Analyzer(abc.ABC):
    """Analyses one model; runs in its own process, and only one analysis is asked of it."""

    @abc.abstractmethod
    def __init__(self, model: Model) -> None:
        """Read the structure of a model; its weights need not be loaded.

        :raises AnalysisError: Naming the file and what is wrong with it.
        """

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The model's inputs as the file states them, with open dimensions."""

    @abc.abstractmethod
    def analyze(self, shapes: Shapes) -> Analysis:
        """Return what one inference costs.

        :param shapes: Of every input, complete; they precede what the file states.
        :raises AnalysisError: The shapes do not fit the model, or the model is damaged.
        """
