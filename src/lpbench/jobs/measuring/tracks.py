"""What has been found of each target so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.results.loading import LoadFacts, load_facts
from lpbench.results.metrics import SECOND

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
    def first_build_s(self) -> float:
        """Seconds for which the first run built what later ones take from a cache; 0 where it built nothing.

        They come on top of the time that was asked for: every benchmark after this one does without them.
        """
        opened = next((each.opened for each in self.recorders if each.opened), None)
        facts = load_facts(opened.facts) if opened else LoadFacts()
        if opened is None or facts.from_cache is not False:
            return 0.0
        load_s = opened.load_ns / SECOND
        return load_s if facts.build_s is None else min(load_s, facts.build_s)

    @property
    def counted(self) -> list[Recorder]:
        """The runs that measured something and were not repeated."""
        return [each for each in self.recorders if each.samples and not each.superseded]
