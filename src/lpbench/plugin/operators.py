"""What an engine says of the operators of a model: those that it does not support.

``EngineSpec.operators`` names a function that takes a ``lpbench.plugin.engine.Model`` and the engine's config, and
returns ``UnsupportedOperator`` values; none means that every operator is supported.  It asks the library itself, and
raises ``lpbench.errors.EngineError`` where the library cannot say.  It is called in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["UnsupportedOperator", "grouped"]


@dataclass(frozen=True)
class UnsupportedOperator:
    """A kind of operator that an engine does not support as the model uses it.

    :param type: The operator, as the model's format calls it: ``Conv``, ``CONV_2D``.
    :param names: The model's layers with this operator; empty where the library does not tell them.
    :param reason: Why, in the library's words; empty where it does not say more.
    """

    type: str
    names: tuple[str, ...] = ()
    reason: str = ""


def grouped(found: Iterable[tuple[str, str, str]]) -> tuple[UnsupportedOperator, ...]:
    """Return layers as (type, name, reason) by type, in the order of the first; of several reasons the first counts."""
    names: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for kind, name, reason in found:
        names.setdefault(kind, []).extend([name] if name else [])
        reasons[kind] = reasons.get(kind) or reason
    return tuple(UnsupportedOperator(kind, tuple(layers), reasons[kind]) for kind, layers in names.items())
