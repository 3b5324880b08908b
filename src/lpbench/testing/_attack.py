"""Attacks an engine with damaged models: each is opened and run in a worker, which lives on until it ends or hangs.

A library that crashes on a damaged model is no failure: the worker is there for that.  What fails is an exception that
the engine should have turned into an ``EngineError``, an outcome that does not say how the worker ended, a process that
is left behind, and a file that is written beside the model's folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lpbench.app import bare_model
from lpbench.errors import EngineError, EngineFaultError, LpbenchError, WorkerError
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.testing import _marked
from lpbench.testing._subject import EngineSubject, named_case, suffix
from lpbench.testing.cases import EngineCase
from lpbench.testing.mutations import mutated
from lpbench.util import atomic_folders
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import CloseApp, OpenRequest, RunFirstSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from lpbench.plugin.engine import Model
    from lpbench.worker.requests import Request

MUTANTS = 200
"""Mutants where neither a number nor a time is asked for."""
TIMEOUT = 10.0
"""Seconds without an answer after which a worker counts as hung."""
EVER = float("inf")
MEMORY = 6 << 30
"""Bytes of address space that a worker may take: a model that states a huge tensor must not fill the machine."""
MAIN_FILE = 0.7
"""Share of the mutants that damage the model's main file; the others damage one of its further files."""
ENDS = frozenset({"crashed", "killed", "exited", "hung"})
"""Kinds of outcomes of a worker that a damaged model ended."""

Outcome = Literal["accepted", "refused", "crashed", "failed"]


@dataclass(frozen=True)
class Attempt:
    """What came of one mutant.

    :param outcome: ``crashed`` if the worker ended or hung, which is the library's fault; ``failed`` if the plugin
        or lpbench broke a rule.
    :param words: How it ended, or what is wrong.
    """

    number: int
    outcome: Outcome
    words: str = ""


@dataclass(frozen=True)
class Attacked:
    """What came of an attack.

    :param seed: Repeats it.
    :param attempts: One for each mutant.
    """

    engine: str
    seed: int
    attempts: tuple[Attempt, ...]
    seconds: float

    def count(self, outcome: Outcome) -> int:
        """Return the number of mutants that ended so."""
        return sum(each.outcome == outcome for each in self.attempts)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.count("failed")

    def failures(self) -> dict[str, tuple[Attempt, int]]:
        """Return each kind of failure once, with its first mutant and how many there were."""
        found: dict[str, tuple[Attempt, int]] = {}
        for each in self.attempts:
            if each.outcome == "failed":
                first, count = found.get(each.words.splitlines()[0], (each, 0))
                found[each.words.splitlines()[0]] = first, count + 1
        return found


def attack_engine(  # noqa: PLR0913 - what, how much, and what is told meanwhile
    name: str,
    *,
    mutants: int | None = None,
    seed: int = 0,
    seconds: float | None = None,
    first: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[Attempt], None] = lambda _: None,
) -> Attacked:
    """Open and run damaged models of the engine's own case, each decided by the seed and its number.

    :param mutants: How many; by default ``MUTANTS``, or as many as the time allows.
    :param seconds: Time after which no further mutant is begun.
    :param first: Number of the first one.
    :param options: Options of the engine, for example ``{"device": "npu:0"}``.
    :param progress: Called with what came of each.
    :raises LpbenchError: The engine does not exist, is not ready, or brings no case.
    """
    begun = time.monotonic()
    last = None if mutants is None and seconds else first + (mutants or MUTANTS)
    attempts: list[Attempt] = []
    with (
        atomic_folders.temporary("attack") as folder,
        EngineAttack(name, folder, options or {}) as attack,
    ):
        while (last is None or first + len(attempts) < last) and (seconds or EVER) > time.monotonic() - begun:
            attempts.append(attack.attempt(seed, first + len(attempts)))
            progress(attempts[-1])
    return Attacked(name, seed, tuple(attempts), time.monotonic() - begun)


class EngineAttack:
    """Damages an engine's model and has a worker open and run it; a context manager.

    :param folder: An empty folder.
    :raises LpbenchError: The engine does not exist, is not ready, or brings no case.
    """

    def __init__(self, name: str, folder: Path, options: Mapping[str, Any]) -> None:
        offer = registry.current().get(registry.ENGINES, name)
        available = offer.availability()
        if not available:
            raise EngineError(f'engine "{name}" is not ready: {available.reason}', hint=available.hint)
        self._spec = offer.spec
        self._case = _case(name, _made(folder / "case"), options)
        self._mutant = folder / "box" / "mutant"
        _made(self._mutant.parent)
        self._own = {name: _made(folder / name) for name in ("temporary", "home")}
        self._mark = _marked.new()
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_worker()

    @property
    def folder(self) -> Path:
        """Where the last mutant is."""
        return self._mutant

    def attempt(self, seed: int, number: int) -> Attempt:
        """Write a mutant, have it opened and run, and return what came of it."""
        model = self.write(random.Random(f"{seed} engine-{self._spec.name} {number}"))  # noqa: S311 - not for secrets
        outcome, words = self.run(model)
        strays = sorted(path.name for path in self._mutant.parent.iterdir() if path != self._mutant)
        if strays:
            outcome, words = "failed", f"wrote {', '.join(strays)} beside the model's folder"
        return Attempt(number, outcome, words)

    def write(self, choose: random.Random) -> Model:
        """Write the case's model with one of its files damaged, in place of the last one."""
        shutil.rmtree(self._mutant.parent)
        _made(self._mutant)
        source = self._case.model
        main = self._mutant / f"model{suffix(self._spec, source)}"
        paths = [main, *(main.with_suffix(path.suffix) for path in source.extra)]
        contents = [path.read_bytes() for path in (source.path, *source.extra)]
        at = 0 if choose.random() < MAIN_FILE else choose.randrange(len(paths))
        contents[at] = mutated(contents[at], choose, self._seeds(at, contents[at]))
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return dataclasses.replace(source, path=main, extra=tuple(paths[1:]))

    def run(self, model: Model) -> tuple[Outcome, str]:
        """Have a worker open and run a model; returns what came of it, and how that is said."""
        try:
            with self._opening(model) as requests:
                for request in requests:
                    self._ask(request)
        except WorkerError as error:
            return self._ended(error)
        except LpbenchError as error:
            # what the worker does not know as an error of ours: the plugin let its library's exception through
            if type(error) is LpbenchError:
                return "failed", f"raised {error.what.partition(':')[0]}; expected EngineError\n{error}"
            if isinstance(error, EngineFaultError):
                return "failed", f"{error.what.partition(' in ')[0]}; expected EngineError\n{error}"
            return "refused", str(error)
        except Exception as error:  # noqa: BLE001 - the parent's own fault, which is what is looked for
            return "failed", f"{type(error).__name__} in the parent: {error}"
        return "accepted", ""

    @contextlib.contextmanager
    def _opening(self, model: Model) -> Iterator[tuple[Request[Any], ...]]:
        """Give the requests that open and run a model; close it at the end, where the worker still lives."""
        options = self._case.options
        how = EngineConfiguration.of(self._spec.name, options, shapes=self._case.shapes)
        app = bare_model.model_app(model.path, shapes=self._case.shapes, format=model.format)
        component = dataclasses.replace(app.components[0], models=(model,))
        app = dataclasses.replace(app, components=(component,))
        try:
            yield OpenRequest(app.request(), how), RunFirstSample()
        finally:
            if self._worker is not None:
                with contextlib.suppress(LpbenchError):
                    self._ask(CloseApp())

    def _ask(self, request: Request[Any]) -> None:
        if self._worker is None:
            places = {"TMPDIR": self._own["temporary"], "HOME": self._own["home"]}
            environment = {
                **self._spec.environment,
                **self._mark.variable,
                **{key: str(path) for key, path in places.items()},
            }
            self._worker = Worker(WorkerOptions(environment=environment, timeout=TIMEOUT))
            _limit_memory(self._worker.pid)
        self._worker.request(request)

    def _ended(self, error: WorkerError) -> tuple[Outcome, str]:
        """Return what a dead worker means: its end must be told, and nothing of it may be left."""
        self._worker = None
        if error.outcome.kind not in ENDS:
            return "failed", f"the outcome is {error.outcome.kind}\n{error}"
        left = self._mark.left()
        return ("failed", f"left {left} behind\n{error}") if left else ("crashed", str(error.outcome))

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _seeds(self, at: int, content: bytes) -> list[bytes]:
        """Return other files of the same format, whose parts may get in."""
        identity = self._case.identity
        return [content] if identity is None or at else [identity.path.read_bytes()]


def _case(name: str, folder: Path, options: Mapping[str, Any]) -> EngineCase:
    spec = registry.current().get(registry.ENGINES, name).spec
    case = named_case(EngineSubject, spec, folder, options)
    assert isinstance(case, EngineCase)  # noqa: S101 - that of an engine
    return case


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _limit_memory(pid: int) -> None:
    if not hasattr(os, "uname"):  # Windows has no such limits
        return
    import resource

    if hasattr(resource, "prlimit"):
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
