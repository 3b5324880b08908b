"""Starts a process for each check and collects the results."""

from __future__ import annotations

import contextlib
import itertools
import json
import pickle
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, UnknownNameError, nearest
from lpbench.plugin import registry
from lpbench.plugin.progress_file import Reports
from lpbench.testing import _nursery
from lpbench.testing._child import FAILED, PASSED, answer_path, progress_path
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import refuse_caseless
from lpbench.testing.cases import (
    AlgorithmCase,
    Case,
    EngineCase,
    Factory,
    MonitorCase,
    PostprocessorCase,
    PreprocessorCase,
)
from lpbench.util import atomic_folders, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.plugin.progress import Listener

EXPECTED = "expected failure"
UNEXPECTED = "passed against expectation"
TIMEOUT_S = 300.0


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    :param check: Its name.
    :param section: listing, config, running, lifetime or measuring.
    :param status: passed, failed, not applicable, not ready, expected failure, or passed against expectation.
    :param message: What is wrong, why the check does not apply, or why the failure was expected.
    :param summary: What the check requires, in one line.
    :param trace: Traceback of an unexpected error.
    """

    check: str
    section: str
    status: str
    message: str
    summary: str
    trace: str = ""

    @property
    def ok(self) -> bool:
        """Whether the contract is kept, apart from expected failures."""
        return self.status not in {FAILED, UNEXPECTED}


def check_engine(  # noqa: PLR0913 - what is checked and how, and who is told of it
    name: str,
    case: EngineCase | Factory[EngineCase] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    progress: Callable[[CheckResult], None] | None = None,
    hear: Listener | None = None,
) -> list[CheckResult]:
    """Run every check on an engine.

    :param case: Case to check it with; by default the one that its spec names.
    :param options: Further options of the engine, for example ``{"device": "vulkan:0"}``.
    :param expected_failures: Checks that must fail, each with the reason; added to the case's own.
    :param progress: Called with each result.
    :param hear: Called with what the engine reports that takes long.
    :raises LpbenchError: The engine, a check or the case does not exist.
    """
    return Checker(registry.ENGINES, name, case, options or {}, expected_failures or {}).all(progress, hear)


def check_preprocessor(
    name: str,
    case: PreprocessorCase | Factory[PreprocessorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    progress: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Run every check on a preprocessor; see ``check_engine``."""
    return Checker(registry.PREPROCESSORS, name, case, {}, expected_failures or {}).all(progress)


def check_postprocessor(
    name: str,
    case: PostprocessorCase | Factory[PostprocessorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    progress: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Run every check on a postprocessor; see ``check_engine``."""
    return Checker(registry.POSTPROCESSORS, name, case, {}, expected_failures or {}).all(progress)


def check_monitor(
    name: str,
    case: MonitorCase | Factory[MonitorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    progress: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Run every check on a monitor; see ``check_engine``."""
    return Checker(registry.MONITORS, name, case, {}, expected_failures or {}).all(progress)


def check_algorithm(
    name: str,
    case: AlgorithmCase | Factory[AlgorithmCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    progress: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Run every check on an algorithm; see ``check_engine``."""
    return Checker(registry.ALGORITHMS, name, case, {}, expected_failures or {}).all(progress)


class Checker:
    """Runs the checks of one plugin object, each in its own process and folder.

    :param kind: Engines, preprocessors, postprocessors, monitors or algorithms.
    :param case: A case, a function that makes one, or None for the one that the spec names.
    :param options: Options of an engine; they override the case's own.
    :raises UnknownNameError: ``expected_failures`` names an unknown check.
    """

    def __init__(
        self,
        kind: registry.Kind[Any],
        name: str,
        case: Case | Factory[Any] | None,
        options: Mapping[str, Any],
        expected_failures: Mapping[str, str],
    ) -> None:
        self.kind = kind
        self.name = name
        self.checks = TESTED[kind.word].checks
        _refuse_unknown(expected_failures, self.checks)
        self._case = case
        self._options = dict(options)
        self._expected = dict(expected_failures)
        self._folder: Path | None = None
        self._order: dict[str, Any] = {}
        self._timeout = TIMEOUT_S
        self._hear: Listener | None = None
        self._numbers = itertools.count()

    def all(
        self, progress: Callable[[CheckResult], None] | None = None, hear: Listener | None = None
    ) -> list[CheckResult]:
        """Run every check.

        :param progress: Called with each result.
        :param hear: Called with what the plugin reports that takes long.
        """
        self._hear = hear
        results = []
        try:
            for name in self.checks:
                results.append(self.run(name))
                if progress:
                    progress(results[-1])
        finally:
            _nursery.close()
        return results

    def run(self, name: str) -> CheckResult:
        """Run one check."""
        self.prepare()
        check = self.checks[name]
        answer = self._ask(name)
        status, message = answer.get("status", FAILED), answer.get("message") or answer.get("error", "")
        reason = self._expected.get(name)
        if reason and status == FAILED:
            status, message = EXPECTED, f"{reason} ({message})"
        elif reason and status == PASSED:
            status, message = UNEXPECTED, f"the check was expected to fail: {reason}"
        return CheckResult(name, check.section, status, message, check.summary, answer.get("trace", ""))

    def prepare(self) -> None:
        """Make the folder and the case once, and read the case's expected failures and timeout."""
        if self._folder is not None:
            return
        offer = registry.current().all(self.kind).get(self.name) or registry.current().get(self.kind, self.name)
        if self._case is None and offer.availability():  # else only what needs no case is checked
            refuse_caseless(TESTED[self.kind.word].subject, offer.spec)
        place = contextlib.ExitStack()
        folder = place.enter_context(atomic_folders.temporary("check"))
        weakref.finalize(self, place.close)
        files = folder / "case"
        files.mkdir()
        self._order = {"kind": self.kind.word, "name": self.name, "options": self._options, "files": str(files)}
        self._order["case"] = str(self._pickled(folder, files)) if self._case else ""
        self._folder = folder
        facts = self._ask("")
        if "expected_failures" not in facts:
            self._folder = None
            raise LpbenchError(
                f"cannot make the case of {self.kind.word} {self.name}: {facts.get('error') or facts['message']}"
            )
        self._timeout = facts.get("timeout", TIMEOUT_S)
        _refuse_unknown(facts["expected_failures"], self.checks)
        self._expected = {**facts["expected_failures"], **self._expected}

    def _pickled(self, folder: Path, files: Path) -> Path:
        import dataclasses

        case = self._case(files, self._options) if callable(self._case) else self._case
        if isinstance(case, EngineCase):
            model = case.model  # its paths are made absolute: one check changes the working directory
            extra = tuple(file.absolute() for file in model.extra)
            model = dataclasses.replace(model, path=model.path.absolute(), extra=extra)
            case = dataclasses.replace(case, model=model, options={**case.options, **self._options})
        path = folder / "case.pickle"
        path.write_bytes(pickle.dumps(case))
        return path

    def _ask(self, check: str) -> dict[str, Any]:
        """Run one check in a new process; a crash counts as a failure, not as an error."""
        assert self._folder  # noqa: S101 - prepared
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        (folder / "files").mkdir()
        order, log = folder / "order.json", folder / "log"
        order.write_text(json.dumps({**self._order, "check": check, "folder": str(folder / "files")}), encoding="utf-8")
        try:
            clock = _Clock(progress_path(order), self._timeout, self._hear)
            status = _nursery.carry_out(order, log, tick=clock, environment=self._environment())
        except TimeoutError as error:
            return {"status": FAILED, "message": f"hung: {error}"}
        with contextlib.suppress(OSError, ValueError):
            answer: dict[str, Any] = json.loads(answer_path(order).read_text(encoding="utf-8"))
            return answer
        output = log.read_text("utf-8", "replace")
        return {"status": FAILED, "message": _ended(status, output), "trace": output[-4000:]}

    def _environment(self) -> dict[str, str]:
        spec = registry.current().all(self.kind)[self.name].spec
        return dict(getattr(spec, "environment", {}))


class _Clock:
    """Passes on what a plugin reports, and ends a check that takes too long without a report."""

    def __init__(self, path: Path, timeout: float, hear: Listener | None) -> None:
        self._reports = Reports(path)
        self._timeout = timeout
        self._hear = hear
        self._heard = 0.0

    def __call__(self, seconds: float) -> None:
        """Take in the seconds since the check began."""
        if activity := self._reports.news():
            self._heard = seconds
            if self._hear is not None:
                self._hear(activity)
        if seconds - self._heard > self._timeout:
            raise TimeoutError(f"ran longer than {self._timeout:g} s")


def _ended(status: int, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    ending = processes.ending(status)
    ended = ending if status < 0 else f"ended: {ending}"
    return f"the process {ended}{f': {(fatal or lines)[-1][:200]}' if lines else ''}"


def _refuse_unknown(names: Mapping[str, str], known: Mapping[str, Any]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(f'expected_failures names the unknown check "{name}"', hint=nearest(name, known))
        if not names[name]:
            raise LpbenchError(
                f'"{name}" is expected to fail, but no reason is given',
                hint="give the vendor's or the device's limitation that makes it fail",
            )
