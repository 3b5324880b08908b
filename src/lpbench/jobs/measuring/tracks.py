"""What has been found of each target so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.errors import LpbenchError
    from lpbench.jobs.engine_choice import Target
    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.results.sustained import Sustained

GIVE_UP = 2
"""A configuration whose first runs all failed is not tried again after this many."""


@dataclass(eq=False)
class TargetProgress:
    """What has been found of one target so far.

    :param label: What it is called beside the others.
    :param apart: Why it is measured without others beside it; empty where it takes turns with them.
    :param kills: Runs that were killed beside others, maybe for memory, and done again.
    :param done: Runs that are over.
    :param sustained: Its heating curve, once it is over.
    """

    target: Target
    label: str
    apart: str = ""
    recorders: list[Recorder] = field(default_factory=list)
    kills: int = 0
    done: int = 0
    failure: LpbenchError | None = None
    sustained: Sustained | None = None

    @property
    def over(self) -> bool:
        """Whether there is no use in another run."""
        hopeless = self.done >= GIVE_UP and not any(each.samples for each in self.recorders)
        return hopeless or self.target.refusal is not None or self.failure is not None

    def take_back(self) -> None:
        """Forget the last run: it is done again."""
        self.kills += self.recorders.pop().outcome.signal == "SIGKILL"
        self.failure = None
        self.done -= 1

    @property
    def counted(self) -> list[Recorder]:
        """The runs that measured something and were not repeated."""
        return [each for each in self.recorders if each.samples and not each.superseded]
