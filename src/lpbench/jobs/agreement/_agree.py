"""Compares engines with the reference: the same samples, each engine in a worker of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app import resolve
from lpbench.errors import LpbenchError, WorkerError
from lpbench.jobs import engine_choice, engine_mistakes
from lpbench.jobs.agreement import _targets, _words
from lpbench.jobs.agreement._agreed import COMPARED, Agreed, EngineAgreement
from lpbench.jobs.agreement._bisect import Divergence, Side, first_divergence
from lpbench.jobs.agreement._step import Step
from lpbench.jobs.agreement._tally import SampleOutputs, Tally
from lpbench.jobs.parity import F32, Tolerance
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.util import atomic_folders
from lpbench.util.arguments import checked
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import CloseApp, CollectNumbers
from lpbench.worker.samples import GENERATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Self

    from lpbench.app.model import App
    from lpbench.jobs.agreement._tally import Array
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Shapes
    from lpbench.plugin.progress import Listener
    from lpbench.worker.requests import OpenRequest, Record

MOST = 100
"""Samples that are compared where nobody says how many."""
OFTEN = 8
"""How often the reference runs a sample again before an engine is blamed: two values of a coin are equal by chance."""


@checked
def agree(  # noqa: PLR0913 - the command's options, each with its default
    app: str | Path | App,
    engines: str | Sequence[str] = engine_choice.ALL,
    *,
    data: str | Path | None = None,
    number: int = MOST,
    options: Mapping[str, Any] | None = None,
    tolerance: Tolerance = F32,
    bisect: bool = False,
    convert: bool = False,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    timeout: float = 300.0,
    progress: Callable[[Step], None] | None = None,
) -> Agreed:
    """Compare engines with the reference on the same samples and return how far they agree.

    The reference is the first ready engine whose spec says under which options it computes what the format's
    specification says; the others run as users run them.

    :param app: An app, its folder, a bare model file, or a name of the catalogue.
    :param engines: Names, with options of their own where they have any (``openvino:precision=auto``), or ``"all"``.
    :param data: A folder of samples or one file; None takes the app's own, or synthetic ones.
    :param number: Samples that are compared at most.
    :param options: Fields of the compared engines' configs.
    :param tolerance: How far numbers may be apart.
    :param bisect: Whether to look for the first tensor at which an engine that fails parts from the reference.
    :param convert: Whether to convert the model for engines that do not read it.
    :param shapes: Shapes of inputs with open dimensions.
    :param ranges: Least and greatest value of synthetic inputs of a bare model.
    :param seed: For synthetic samples.
    :param timeout: Seconds without an answer after which a worker counts as hung.
    :param progress: Called when something has been done.
    :raises LpbenchError: The app cannot be used, no reference is ready, or an engine's name is not known.
    """
    loaded = resolve.resolve(app, shapes=shapes or {}, ranges=ranges or {}, seed=seed)
    files = resolve.sample_files(loaded, data)
    asked = [engines] if isinstance(engines, str) else list(engines)
    engine_mistakes.refuse_mistakes(asked, options or {})
    report = progress or _nothing
    fixed = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    template = EngineConfiguration.of("", options or {}, shapes=fixed)

    def hear(engine: str, phase: str) -> None:
        report(Step(engine, phase, 0, 0))

    unconverted: Mapping[str, LpbenchError] = {}
    if convert:
        from lpbench.jobs.engine_supply import supplied

        loaded, unconverted = supplied(loaded, asked, template, hear)
    targets = _targets.targets(loaded, asked, template, unconverted)
    loaded, targets = _targets.checked(loaded, targets, hear)
    first = _targets.reference(loaded, fixed, targets)
    asked_of_all = _Asked(loaded, files, fixed, seed, timeout, min(number, len(files) or GENERATED), asked)
    with _Comparison(asked_of_all, first, tolerance, report) as comparison:
        try:
            rows = tuple(comparison.row(target, bisect=bisect) for target in targets)
        except _ReferenceFailed as failed:
            raise failed.error from None
        problems = comparison.problems()
    facts, options = comparison.facts, first.configuration.engine_options
    notes = (
        *_targets.notes(loaded, first),
        *_targets.unchecked_notes(loaded, targets),
        *_words.unvisited(loaded, rows),
        *(() if files else _words.zeros(loaded, comparison.inputs)),
    )
    return Agreed(loaded.name, first.name, facts, options, tolerance, rows, problems, notes)


@dataclass(frozen=True)
class _Asked:
    """What every engine is asked.

    :param count: Samples that are compared.
    """

    app: App
    samples: Sequence[Path]
    shapes: Shapes
    seed: int
    timeout: float
    count: int
    engines: Sequence[str]

    def request(self, target: Target) -> OpenRequest:
        """Return the request that opens the app on an engine."""
        return target.open_request(self.app, self.samples, seed=self.seed)


class _ReferenceFailed(Exception):  # noqa: N818 - it carries one, so that no engine is blamed for it
    """The reference ended or refused a sample: there is nothing to compare with."""

    def __init__(self, error: LpbenchError) -> None:
        super().__init__(error.what)
        self.error = error


class _Comparison:
    """The reference, alive, and what others are compared with it in."""

    def __init__(self, asked: _Asked, reference: Target, tolerance: Tolerance, report: Callable[[Step], None]) -> None:
        self._asked = asked
        self._reference = reference
        self._tolerance = tolerance
        self._tell = report
        report(Step(reference.name, "opening", 0, asked.count))
        self._worker = self._start(reference)
        try:
            opened = self._worker.request(asked.request(reference), hear=self._hearing(reference.name))
        except BaseException as error:
            self._worker.kill()
            if isinstance(error, LpbenchError):
                self._of_reference(error)
            raise
        self.facts = _own(opened.facts, reference)
        self.inputs = opened.inputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def problems(self) -> tuple[Mapping[str, str], ...]:
        """Close the reference and return the samples that could not be used."""
        return self._worker.request(CloseApp()).problems

    def row(self, target: Target, *, bisect: bool) -> EngineAgreement:
        """Compare one engine; a failure becomes part of the answer instead of an exception."""
        if target.refusal is not None:
            return EngineAgreement(target.asked, _words.in_one_line(target.refusal))
        found = self._compared(target)
        if bisect and found.compared and not found.agrees and found.values:
            return dataclasses.replace(found, divergence=self._divergence(target, found))
        return found

    def _start(self, target: Target) -> Worker:
        return Worker(WorkerOptions(timeout=self._asked.timeout, environment=target.environment()))

    def _hearing(self, engine: str, phase: str = "opening") -> Listener:
        """Return what tells what an engine reports."""
        return lambda activity: self._tell(Step(engine, phase, 0, 0, str(activity)))

    def _compared(self, target: Target) -> EngineAgreement:
        asked = _targets.words(target)
        self._tell(Step(asked, "opening", 0, self._asked.count))
        try:
            with self._start(target) as worker:
                opened = worker.request(self._asked.request(target), hear=self._hearing(asked))
                tally, state = self._tallied(worker, asked)
            self._excuse(tally)
            return self._judged(asked, _own(opened.facts, target), tally, state)
        except WorkerError as error:
            return EngineAgreement(asked, str(error.outcome), ran=True, reason=str(error.outcome))
        except LpbenchError as error:
            if engine_mistakes.is_mistake(error, self._asked.engines):
                raise
            return EngineAgreement(asked, _words.in_one_line(error))

    def _tallied(self, worker: Worker, asked: str) -> tuple[Tally, str]:
        """Compare sample by sample; return what is known, and how it ended where it did not come to the end."""
        tally = Tally(self._tolerance, self._unrepeated)
        for index in range(self._asked.count):
            with self._folder() as keep:
                expected = self._expected(index, keep)
                try:
                    tally.add(index, expected, self._seen(worker, index, given=expected.later()))
                except WorkerError as error:
                    return tally, str(error.outcome)
                except LpbenchError as error:
                    return tally, f"failed: {_words.in_one_line(error)}"
            self._tell(Step(asked, "comparing", index + 1, self._asked.count))
        return tally, COMPARED

    @contextlib.contextmanager
    def _folder(self) -> Iterator[str]:
        """Yield a folder for feeds that later components are given; "" where there are none."""
        if len(self._asked.app.components) > 1:
            with atomic_folders.temporary("agree") as folder:
                yield str(folder)
        else:
            yield ""

    @functools.cached_property
    def _unrepeated(self) -> Mapping[Array, str]:
        """The reference's arrays that differ when it runs a sample again, with the reason."""
        every = (self._run_again(index, 1) for index in range(self._asked.count))
        return next((_words.unrepeated(twice) for twice in every if twice.samples), {})

    def _run_again(self, index: int, times: int) -> Tally:
        """Compare the reference with itself on one sample."""
        again = Tally(self._tolerance)
        with self._folder() as keep:
            first = self._expected(index, keep)
            for _ in range(times):
                again.add(index, first, self._expected(index, given=first.later()))
        return again

    def _excuse(self, tally: Tally) -> None:
        """Note the arrays that fail where the reference does not repeat itself either."""
        failed = {array.index for array in tally.values() if array.reason}
        for index in sorted(failed):
            tally.unrepeated = {**tally.unrepeated, **_words.unrepeated(self._run_again(index, OFTEN))}

    def _expected(self, index: int, keep: str = "", given: Sequence[Record] = ()) -> SampleOutputs:
        try:
            return self._seen(self._worker, index, keep=keep, given=given)
        except LpbenchError as error:
            raise _ReferenceFailed(self._of_reference(error)) from error

    def _of_reference(self, error: LpbenchError) -> LpbenchError:
        """Say of an error that it is the reference's."""
        error.where = ": ".join(filter(None, (f"reference {_targets.words(self._reference)}", error.where)))
        return error

    def _seen(self, worker: Worker, index: int, *, keep: str = "", given: Sequence[Record] = ()) -> SampleOutputs:
        numbers = worker.request(CollectNumbers(index, keep, tuple(given)), f"running sample {index}")
        return SampleOutputs.of(vars(numbers), numbers.block)

    def _judged(self, asked: str, facts: Mapping[str, Any], tally: Tally, state: str) -> EngineAgreement:
        values, chain = tally.values(), len(self._asked.app.components) > 1
        reason = _words.failure(state, tally, values, chain=chain)
        return EngineAgreement(
            engine=asked,
            state=state,
            ran=True,
            facts=facts,
            samples=tally.samples,
            values=values,
            outputs=tally.outputs(),
            top=tally.top,
            boxes=tally.boxes,
            reason=reason,
            not_compared="" if reason else _words.no_verdict(tally, values, chain=chain),
        )

    def _divergence(self, target: Target, found: EngineAgreement) -> Divergence:
        worst = found.worst
        assert worst  # noqa: S101 - the caller looked
        where = worst.worst, worst.component
        component = next(each for each in self._asked.app.components if each.name == worst.component)
        try:
            one, other = (Side.of(each, component, self._asked.shapes) for each in (self._reference, target))
            with atomic_folders.temporary("agree") as folder:
                seen = self._seen(self._worker, worst.index, keep=str(folder))
                return first_divergence(
                    one,
                    other,
                    Path(seen.feeds[worst.component, worst.place]),
                    where=where,
                    tolerance=self._tolerance,
                    timeout=self._asked.timeout,
                    report=lambda done, total: self._tell(Step(found.engine, "bisecting", done, total)),
                    hear=self._hearing(found.engine, "bisecting"),
                )
        except LpbenchError as error:
            return Divergence(*where, reason=error.what)


def _own(facts: Mapping[str, Any], target: Target) -> Mapping[str, Any]:
    """Return what an engine's own session says of itself: in a chain the first may be another engine's."""
    parts: Mapping[str, Mapping[str, Any]] = facts.get("components", {})
    return next((each for each in parts.values() if each.get("engine") == target.name), facts)


def _nothing(_: Step) -> None:
    """Take a step without showing it."""
