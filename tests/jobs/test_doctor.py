"""``doctor``: what a worker finds here, and what is printed of invented findings."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import machine
from lpbench.cli import main
from lpbench.errors import LpbenchError
from lpbench.jobs import doctor
from lpbench.machine import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]
    Found = Callable[..., None]

HOT = Finding("hot", "3.0 °C below a thermal trip point", "the machine will slow down " * 8, "sudo do --this-command")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """Return a function that says what the machine's findings are."""

    def finds(*findings: Finding) -> None:
        monkeypatch.setattr(machine, "findings", lambda environment: list(findings))

    return finds


def test_the_worker_is_the_one_that_looks_from_its_own_cores() -> None:
    core = max(os.sched_getaffinity(0))
    environment, findings = lpbench.doctor(affinity=[core])
    assert environment["subject"]["affinity"]["value"] == [core]
    assert list(findings) == machine.findings(environment)


def test_threads_look_from_the_cores_that_run_would_give_them() -> None:
    environment, _ = lpbench.doctor(threads=1)
    assert environment["subject"]["affinity"]["value"] == [max(os.sched_getaffinity(0))]


def test_more_threads_than_cores_are_found() -> None:
    _, findings = lpbench.doctor(affinity=[max(os.sched_getaffinity(0))], threads=3)
    assert (findings[0].name, findings[0].remedy) == ("threads", "threads=1")


def test_cores_that_are_not_there_are_an_error_that_names_those_that_are() -> None:
    with pytest.raises(LpbenchError, match="cores here"):
        doctor.doctor(affinity=[4000])


def test_each_finding_is_printed_with_cost_and_remedy_and_the_machine_follows(found: Found, capsys: Capture) -> None:
    """Remedies can be copied: a command is not broken within a word."""
    found(HOT)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    places = [
        text.index(part) for part in ("1 finding", "hot: 3.0", "cost  ", "fix   sudo do --this-command", "platform")
    ]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 100


def test_a_calm_machine_is_said_to_be_calm(found: Found, capsys: Capture) -> None:
    found()
    assert main(["doctor", "--fail"]) == 0
    assert "no source of noise was found" in capsys.readouterr().out


def test_findings_fail_only_where_that_was_asked_for(found: Found, capsys: Capture) -> None:
    found(HOT)
    assert main(["doctor", "--fail", "--json"]) == 1
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["findings"][0]["remedy"] == HOT.remedy
    assert set(shown["environment"]) == {"machine", "subject", "state", "hashes"}
