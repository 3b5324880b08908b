"""Runs the attacks of all kinds side by side, each for its share of the time."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.attack import kinds, reading
from tests.attack.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MUTANTS, KILLS = 1000, 10
"""Of each kind, where neither a number nor a time is asked for."""
EVER = 1e9
"""Seconds, where only numbers are asked for."""
BEAT = 5.0
"""Seconds between two lines of progress."""


def names() -> list[str]:
    """Return all kinds, in the order in which they are attacked."""
    return list(kinds.kinds())


@dataclass(frozen=True)
class Asked:
    """What to attack, and how much.

    :param kinds: Kinds; None for all.
    :param mutants: Of each kind of reader and engine; None for as many as the time allows, or ``MUTANTS``.
    :param kills: Of each kind that kills; None likewise, or ``KILLS``.
    :param seconds: Time for all kinds together, or None.
    :param kept: Folder for files of failures.
    :param only: The one mutant to repeat, or None.
    """

    kinds: Sequence[str] | None
    seed: int
    mutants: int | None
    kills: int | None
    seconds: float | None
    kept: Path
    only: int | None = None


class Campaign:
    """Attacks that share a time."""

    def __init__(self, asked: Asked) -> None:
        self.tallies = [Tally(name) for name in asked.kinds or names()]
        self._asked = asked
        self._mutants = asked.mutants or (None if asked.seconds else MUTANTS)
        self._kills = asked.kills or (None if asked.seconds else KILLS)
        self._begun = time.monotonic()
        self._end = self._begun + (asked.seconds or EVER)
        self._kinds = kinds.kinds()
        # those that take longest first, so that the others fill what is left
        self._waiting = deque(sorted(self.tallies, key=lambda tally: -self._kinds[tally.kind].weight))
        self._stopped = threading.Event()
        self._workers = min(os.cpu_count() or 1, len(self.tallies), 4)

    def run(self) -> bool:
        """Attack until all is done; False if Ctrl-C ended it."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._workers)]
        for thread in threads:
            thread.start()
        try:
            self._wait(threads)
        except KeyboardInterrupt:
            self._stopped.set()
            for thread in threads:
                thread.join(2 * BEAT)
            return False
        return True

    def _wait(self, threads: Sequence[threading.Thread]) -> None:
        beat = time.monotonic() + BEAT
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)
            if time.monotonic() > beat:
                beat += BEAT
                print(self._progress(), file=sys.stderr, flush=True)

    def _progress(self) -> str:
        tried, failed = (sum(getattr(each, name) for each in self.tallies) for name in ("tried", "failed"))
        now = ", ".join(f"{each.kind} {each.tried:,}" for each in self.tallies if each.tried and not each.seconds)
        return f"{time.monotonic() - self._begun:4.0f} s  {tried:,} tried, {failed:,} failed  {now}"

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                tally = self._waiting.popleft()
            except IndexError:
                return
            self._attack(tally)

    def _attack(self, tally: Tally) -> None:
        """Attack one kind; its share of the time that is left is by its weight among those that wait."""
        begun = time.monotonic()
        waiting = sum(self._kinds[each.kind].weight for each in self._waiting)
        own = self._kinds[tally.kind].weight
        share = min(1.0, self._workers * own / (own + waiting))
        try:
            self._one(tally, begun + share * (self._end - begun))
        except Exception as error:  # noqa: BLE001 - the attacker's own fault is told as well
            tally.note = f"could not be attacked: {type(error).__name__}: {error}"
            tally.failed += 1
        tally.seconds = max(0.01, time.monotonic() - begun)

    def _one(self, tally: Tally, deadline: float) -> None:
        kind = self._kinds[tally.kind]
        if lacking := kinds.missing(kind):
            tally.note = f"needs {lacking}"
            return
        kills = None if self._kills is None else math.ceil(self._kills * kind.kills)
        asked, count = self._asked, kills if kind.kills else self._mutants
        order = reading.Order(tally.kind, asked.seed, count, deadline, asked.kept, asked.only)
        reading.attack(order, tally, self._stopped.is_set)
        if not tally.tried and not tally.note:
            tally.note = "there was no time for it"
