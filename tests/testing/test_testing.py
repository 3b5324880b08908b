"""The conformance kit against a plugin that keeps every contract, or breaks the one that it is told to."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench import testing
from lpbench.errors import EngineError, LpbenchError
from lpbench.plugin import progress_file, registry
from lpbench.plugin.progress import report
from lpbench.testing import _checks, _kinds, _parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.testing._parent import Checker

pytest.importorskip("numpy", reason="needs numpy")

VARIANTS = {
    "process_is_left_as_it_was": ("environment", "native", "folder", "signal", "umask"),
    "standard_output_is_silent": ("python", "native"),
    "sessions_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "failed_opens_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "runs_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "calls_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "stays_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "samples_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "outputs_stay_valid_as_stated": ("buffer", "describe"),
    "outputs_are_complete_when_run_returns": ("lazy", "later"),
    "threads_at_work_are_those_asked_for": ("crowd", "busy"),
    "no_files_are_left": ("temporary", "beside"),
    "profile_or_reason": ("records", "values"),
    "unsupported_operators_are_named": ("missed", "invented"),
    "guess_suits_the_config": ("type", "settings"),
    "words_are_one_line": ("numpy", "lines"),
}
"""Checks that look for several things: a fault for each."""
OF_PROCESSORS = {"guess_suits_the_config", "words_are_one_line"}
"""Those that engines do not have."""


def _faults() -> Iterator[tuple[str, str, str]]:
    """Yield kind, check and fault: checks that kinds share once, and their variants for engines."""
    seen: set[object] = set()
    for kind, tested in _kinds.TESTED.items():
        for name, check in tested.checks.items():
            variants = [f":{variant}" for variant in VARIANTS.get(name, ())] or [""]
            if check.function not in seen:
                selected = variants if kind == "engine" or name in OF_PROCESSORS else variants[:1]
                yield from ((kind, name, f"{kind}/{name}{variant}") for variant in selected)
            seen.add(check.function)


FAULTS = list(_faults())


@pytest.fixture(scope="module")
def sloppy(sloppy_site: None) -> Callable[[str], Checker]:
    """Return one checker for each kind of thing, its case made while nothing is broken."""
    cases = importlib.import_module("lpbench_sloppy.cases")
    kinds = {kind.word: kind for kind in registry.KINDS}
    checkers = {word: _parent.Checker(kinds[word], "sloppy", getattr(cases, word), {}, {}) for word in _kinds.TESTED}
    for checker in checkers.values():
        checker.prepare()
    return checkers.__getitem__


@pytest.mark.long
@pytest.mark.parametrize("kind", _kinds.TESTED)
def test_a_tidy_plugin_passes_every_check_and_every_check_applies(sloppy: Callable[[str], Checker], kind: str) -> None:
    assert {each.check: each.message for each in sloppy(kind).all() if each.status != "passed"} == {}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "check", "fault"), FAULTS, ids=[fault for *_, fault in FAULTS])
def test_a_plugin_that_breaks_a_contract_fails_its_check(
    sloppy: Callable[[str], Checker], kind: str, check: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every check, each with the fault that it is for, or with one for each thing that it looks at."""
    monkeypatch.setenv("SLOPPY", fault)
    result = sloppy(kind).run(check)
    assert result.status == "failed", result
    assert result.message


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (None, 'opening: accepted; expected EngineError naming "m.onnx"'),
        (ValueError("m.onnx"), "opening: raised ValueError: m.onnx; expected EngineError"),
        (EngineError("it is broken"), 'opening: the error does not name "m.onnx": EngineError: it is broken'),
        (EngineError("broken", where="/models/other-m.onnx2"), "does not name"),
        (EngineError("broken", where="/models/m.onnx"), ""),
    ],
)
def test_a_refusal_is_an_error_of_the_contract_that_names_the_culprit(raised: Exception | None, told: str) -> None:
    def call() -> None:
        if raised:
            raise raised

    if not told:
        _checks.refused(call, "opening", "m.onnx", EngineError)
        return
    with pytest.raises(_checks.Failed, match=re.escape(told)):
        _checks.refused(call, "opening", "m.onnx", EngineError)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("engine/outputs_are_right:crash", "the process crashed: SIGSEGV: Fatal Python error: Segmentation fault"),
        ("engine/outputs_are_right:exit", "the process ended: exit status 3"),
        ("engine/outputs_are_right:hang", "hung: ran longer than 3 s"),
        ("engine/outputs_are_right:bug", "ZeroDivisionError: division by zero (engine.py:"),
    ],
)
def test_a_process_that_crashes_or_hangs_is_a_failed_check_that_says_so(
    sloppy_site: None, fault: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = importlib.import_module("lpbench_sloppy.cases")
    timeout = 3.0 if fault.endswith(":hang") else 100.0
    checker = _parent.Checker(
        registry.ENGINES, "sloppy", lambda *given: dataclasses.replace(cases.engine(*given), timeout=timeout), {}, {}
    )
    checker.prepare()
    monkeypatch.setenv("SLOPPY", fault)
    result = checker.run("outputs_are_right")
    assert result.status == "failed"
    assert result.message.startswith(told)


def test_an_expected_failure_is_strict(sloppy_site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expected and failing; expected and passing."""
    expected = {"outputs_are_right": "the vendor rounds up", "feeds_are_unchanged": "the vendor meddles"}
    checker = _parent.Checker(registry.ENGINES, "sloppy", None, {}, expected)
    monkeypatch.setenv("SLOPPY", "engine/outputs_are_right")
    failing, passing = (checker.run(name) for name in expected)
    assert (failing.status, failing.ok) == ("expected failure", True)
    assert failing.message.startswith("the vendor rounds up (")
    assert (passing.status, passing.ok) == ("passed against expectation", False)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"feeds_are_unchangd": "why"}, 'expected_failures names the unknown check "feeds_are_unchangd"'),
        ({"feeds_are_unchanged": ""}, '"feeds_are_unchanged" is expected to fail, but no reason is given'),
    ],
)
def test_expectations_that_say_nothing_are_refused(expected: dict[str, str], told: str) -> None:
    with pytest.raises(LpbenchError, match=told):
        _parent.Checker(registry.ENGINES, "sloppy", None, {}, expected)


def test_a_case_that_cannot_be_made_is_an_error_not_fifty_failures(sloppy_site: None) -> None:
    with pytest.raises(LpbenchError, match="cannot make the case of engine sloppy: ValueError: no model today"):
        testing.check_engine("sloppy", options={"case": "broken"})


def test_a_case_may_name_its_files_from_the_working_directory(
    sloppy_site: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One check changes the working directory."""
    monkeypatch.chdir(tmp_path)
    case = importlib.import_module("lpbench_sloppy.cases").engine(Path(), {})
    assert not case.model.path.is_absolute()
    result = _parent.Checker(registry.ENGINES, "sloppy", case, {}, {}).run("no_files_are_left")
    assert result.status == "passed", result


def test_a_check_may_take_as_long_as_the_engine_reports(tmp_path: Path) -> None:
    """A build of minutes is told, and does not count as hung; silence afterwards does."""
    heard: list[str] = []
    clock = _parent._Clock(tmp_path / "progress", 10.0, lambda activity: heard.append(str(activity)))
    clock(9.0)
    with progress_file.kept_in(tmp_path / "progress"):
        report("building", 0.5)
    clock(9.5)
    clock(19.0)
    assert heard == ["building, 50 %"]
    with pytest.raises(TimeoutError, match="ran longer than 10 s"):
        clock(20.0)


@pytest.mark.long
def test_an_engine_that_is_not_ready_is_listed_and_nothing_more(fakes: registry.Registry) -> None:
    results = {result.check: result for result in testing.check_engine("absent")}
    assert results["missing_library_is_told"].status == "passed"
    assert results["outputs_are_right"].status == "not ready"
    assert results["outputs_are_right"].message == "needs absent: not installed: no_such_library"
    with pytest.raises(ChildProcessError):  # no process is left behind
        os.waitpid(-1, os.WNOHANG)


def test_an_engine_without_a_case_says_what_to_give(fakes: registry.Registry) -> None:
    with pytest.raises(LpbenchError, match='engine "fake" provides no case to check it with'):
        testing.check_engine("fake")


TESTS = """
from lpbench.testing import engine_checks, monitor_checks

@engine_checks("sloppy", expected_failures={"outputs_are_right": "why", "spec_is_complete": "why not"})
def test_engine(check):
    check()

@engine_checks("absent")
def test_absent(check):
    check()

@monitor_checks("sloppy")
def test_monitor(check):
    check()
"""


@pytest.mark.long
def test_pytest_runs_a_test_for_each_check(
    sloppy_site: None, fakes: registry.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passed, expected to fail, passed against expectation, failed, and not installed, as pytest calls them."""
    monkeypatch.setenv("SLOPPY", "engine/outputs_are_right")
    (tmp_path / "test_plugin.py").write_text(TESTS, encoding="utf-8")
    chosen = "outputs_are_right or spec_is_complete or formats_are_stated or short_stays"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-k", chosen, str(tmp_path)]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    outcomes = {
        name: word for word, name in re.findall(r"^([A-Z]+) \S+::(test_\w+\[\w+\])", process.stdout, re.MULTILINE)
    }
    assert outcomes == {
        "test_engine[outputs_are_right]": "XFAIL",
        "test_engine[spec_is_complete]": "FAILED",
        "test_engine[formats_are_stated]": "PASSED",
        "test_absent[spec_is_complete]": "FAILED",
        "test_absent[formats_are_stated]": "PASSED",
        "test_monitor[spec_is_complete]": "PASSED",
        "test_monitor[short_stays_are_harmless]": "PASSED",
    }, process.stdout
    assert "needs absent: not installed: no_such_library" in process.stdout
