"""Workers that are alive together take turns in short slices: what differs between them is then not the hour.

Order alternates (A B, B A), within a run and from run to run.  All other workers are suspended (SIGSTOP) while one
runs, since the idle threads of a pool spin for a while and would take a core from the next one.
Ratios are those of slices of the same round, there and back.  One that fails takes no more turns; the others go on.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lpbench.errors import LpbenchError
from lpbench.jobs.measuring.recording import NANO, columns_of
from lpbench.results.locksteps import FEWEST, slice_ratios
from lpbench.results.stages import SAMPLE
from lpbench.worker.requests import MeasureSlice, PinThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.jobs.measuring.recording import Recorder
    from lpbench.worker.requests import RunnerClient

T = TypeVar("T")

SLICE_S = 0.025
DISCARD_S, SEVERAL_DISCARD_S = 0.004, 0.015
"""Start of a slice that is not counted: the caches hold the other one's data, and several threads may wake up on one
core until Linux moves them."""
LEAST_SAMPLES = 3
ROUNDS = (4, 40)


@dataclass
class Contender:
    """One live worker.

    :param expected_ns: What a sample of it takes.
    :param medians: By stage, the median of each of its slices, in nanoseconds.
    :param components: Names of a chain's components.
    :param threads: Of the engine, as far as they are known; several need longer to come into step.
    :param batch: Samples that go through together.
    :param failure: Why it takes no more turns: its worker ended, or its engine refuses.
    """

    client: RunnerClient
    expected_ns: float
    medians: dict[str, list[float]] = field(default_factory=dict)
    components: Sequence[str] = ()
    threads: int | None = 1
    batch: int = 1
    failure: LpbenchError | None = None

    @classmethod
    def of(cls, client: RunnerClient, recorder: Recorder) -> Contender:
        """Return the contender of a run that was timed alone."""
        return cls(
            client,
            recorder.expected_ns,
            components=recorder.components,
            threads=recorder.threads,
            batch=recorder.configuration.batch,
        )

    @property
    def count(self) -> int:
        """Samples of a slice that are counted."""
        return max(LEAST_SAMPLES, int(SLICE_S * NANO / self.expected_ns))

    @property
    def discard(self) -> int:
        """Samples at the start of a slice that are not."""
        seconds = DISCARD_S if self.threads == 1 else SEVERAL_DISCARD_S
        return max(1, int(seconds * NANO / self.expected_ns))

    def go(self) -> None:
        """Run one slice, suspend the worker, and note the medians of the slice."""
        # The slice is one request: a round trip for each sample would let the caches cool and the clock drop.
        count = self.discard + self.count
        measured = self.client.request(MeasureSlice(count), "measuring in lockstep")
        # Suspended before its reads are looked at: its idle threads still spin on a core that the next one needs.
        self.client.suspend()
        for stage, values in columns_of(measured.block, self.components, count).items():
            # The median of a slice, not its mean: one sample that was interrupted does not move it.
            self.medians.setdefault(stage, []).append(statistics.median(values[self.discard :]))
        # Of streams side by side no sample's time says how many go through: the whole slice does.
        self.medians.setdefault(SAMPLE, []).append(measured.wall_ns / (count * self.batch))

    def prepare(self) -> None:
        """Pin each of several threads to a core of its own, where there is one for each, and suspend the worker.

        Where they wake up otherwise is an accident that lasts as long as the process.
        """
        if self.threads != 1:
            self.client.request(PinThreads(self.discard + self.count))
        self.client.suspend()

    def attempt(self, step: Callable[[], None]) -> None:
        """Do a step of its own unless it has failed; what fails is killed, so that it is in nobody's way."""
        if self.failure is None:
            try:
                step()
            except LpbenchError as error:
                self.failure = error
                self.client.kill()


def run_interleaved_slices(
    contenders: Sequence[Contender],
    seconds: float,
    report: Callable[[float], None],
    *,
    opening: Contender | None = None,
) -> int:
    """Let the contenders take turns for about ``seconds`` and return the number of rounds.

    Rounds come in pairs, there and back, four at the least however long they take.  One that fails is left out from
    then on, with its ``failure``; there are no more rounds once fewer than two are left.

    :param seconds: Above 0.
    :param report: Called after each round with the share that is done.
    :param opening: One more, which has the first slice of every round: whatever it leaves in the caches, it leaves to
        each of the others as often.
    """
    ahead = [opening] if opening else []
    every = [*ahead, *contenders]
    # Once for all rounds: where threads are kept does not change any more.
    for each in every:
        each.attempt(each.prepare)
    (least, most), begun = ROUNDS, time.monotonic()
    # There and back (A B, B A): a drift of the machine adds to both sides of a ratio alike.
    for number in range(most):
        for each in (*ahead, *turn_order(contenders, number)):
            if sum(one.failure is None for one in every) < FEWEST:
                return number
            each.attempt(each.go)
        # Rounds, not seconds, are counted down: every configuration has as many slices as the others.
        spent = time.monotonic() - begun
        report(min(1.0, spent / seconds))
        done = number + 1
        if done >= least and done % 2 == 0 and spent * (1 + 1 / done) > seconds:  # half of two more would be late
            return done
    return most


def units(yardstick: Contender, contender: Contender) -> dict[str, float]:
    """Return a contender's stages in runs of the yardstick's kernel."""
    unit = yardstick.medians["inference"]
    return slice_ratios(dict.fromkeys(contender.medians, unit), contender.medians)


def turn_order(contenders: Sequence[T], number: int) -> list[T]:
    """Return the order of a round, or of the starts of a run: rotated from pair to pair, there and back within a pair.

    After ``2 * len(contenders)`` rounds each has had every place as often as the others.
    """
    # With three and more, who follows whom matters too: what one leaves in the caches, another finds.
    turn = number // 2 % len(contenders)
    rotated = [*contenders[turn:], *contenders[:turn]] if len(contenders) > 2 else list(contenders)  # noqa: PLR2004 - A B, B A
    return rotated if number % 2 == 0 else rotated[::-1]
