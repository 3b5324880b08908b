"""The contract of monitors, which read a resource and are open during the resource pass."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.util.unavailable import Unavailable


@dataclass(frozen=True)
class Reading:
    """One value of a metric.

    :param value: In ``unit``.
    :param unit: SI unit or a unit of the glossary, such as ``W``.
    :param scope: What the value covers: process, device, package, module, wall.
    :param source: Origin of the value: a file, a counter, a library.
    """

    value: float
    unit: str
    scope: str
    source: str


class Monitor(abc.ABC):
    """Reads a resource while samples run; entered before the first sample and left after the last."""

    @abc.abstractmethod
    def __enter__(self) -> Self:
        """Start reading."""

    @abc.abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading."""

    @abc.abstractmethod
    def readings(self) -> Mapping[str, Reading | Unavailable]:
        """Return the readings by metric name."""
