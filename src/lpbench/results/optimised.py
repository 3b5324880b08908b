"""The best configuration of an app among those that were measured, and why it is not another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.results.choosing import rejections
from lpbench.util.shown import Shown

if TYPE_CHECKING:
    from lpbench.results.choosing import Rejection, Selection
    from lpbench.results.sweep import Sweep


@dataclass(frozen=True, repr=False)
class Optimised(Shown):
    """The best configuration of an app, and why it is not another.

    :param app: Its name.
    :param sweep: Every configuration that was looked at.
    :param selection: The choice, the runners-up, and what would let others in.
    """

    app: str
    sweep: Sweep
    selection: Selection

    @property
    def configuration(self) -> str:
        """The choice as ``--engine`` takes it; empty where nothing fits."""
        return str(self.selection.choice.value("CONFIGURATION")) if self.selection.choice else ""

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """Every other configuration, with the reason."""
        return rejections(self.selection)

    def in_short(self) -> str:
        """Return the choice and its value, or that nothing fits."""
        return self.selection.in_short()

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "format": "lpbench-optimised",
            "app": self.app,
            "folder": str(self.sweep.folder),
            "configuration": self.configuration or None,
            "selection": self.selection.to_dict(),
            "rejections": [each.to_dict() for each in self.rejections],
        }
