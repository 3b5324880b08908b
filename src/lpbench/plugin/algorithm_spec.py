"""The spec of an algorithm, apart from its contract: listing plugins needs the one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lpbench.plugin.specs import Spec

if TYPE_CHECKING:
    from lpbench.plugin.algorithm import Signature


@dataclass(frozen=True, eq=False, repr=False)
class AlgorithmSpec(Spec):
    """An algorithm for sweeps; the target is a subclass of ``lpbench.plugin.algorithm.Algorithm``.

    :param signature: What it is set to, works on and answers with.
    :param version: Of its rules; a sweep that began with another version is not gone on with.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.algorithm:Algorithm",)
    signature: Signature | None = None
    version: str = ""
