"""``lpbench optimise``: the answer, the rejections, and how it goes on."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.jobs.sweep import _sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AXES = ("--engines", "fake:extra_us=20,fake:extra_us=10,absent", "--threads", "1", "--precisions", "F32")


@pytest.mark.usefixtures("ledger")
def test_the_choice_the_rejections_and_the_command_that_runs_it(
    fake_app: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app, folder = str(fake_app()), str(tmp_path / "rows")
    assert main(["optimise", app, "--best", "LATENCY", *AXES, "-o", folder]) == 0
    shown = capsys.readouterr().out
    assert "lowest LATENCY: 11.0 ms" in shown
    rejected = shown.index("\nrejected\n")
    assert shown.index("fake:extra_us=20:threads=1: ", rejected)
    assert shown.index("absent:precision=F32: impossible: ", rejected)
    assert shown.rstrip().endswith(f"next: lpbench run {app} --engine fake:extra_us=10:threads=1 --convert")


@pytest.mark.usefixtures("ledger")
def test_where_nothing_fits_the_status_is_one_and_the_least_relaxation_is_named(
    fake_app: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["--max", "LATENCY=5", "--best", "STORAGE:min"]
    words = ["optimise", str(fake_app()), *question, *AXES, "-o", str(tmp_path / "rows")]
    assert main(words) == 1
    shown = capsys.readouterr().out
    assert "nothing fits" in shown
    assert "LATENCY at most 5 ms: 11" in shown
    program, *relaxed = shlex.split(shown.splitlines()[-1].removeprefix("next: "))
    assert program == "lpbench"
    assert main(relaxed) == 0
    capsys.readouterr()
    assert main([*words, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["configuration"] is None
    assert len(document["rejections"]) == 3


def test_an_interrupted_one_says_how_far_it_is_and_how_it_goes_on(
    fake_app: Callable[..., Path],
    ledger: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(_sweep, "measure", measure)
    words = ["optimise", str(fake_app()), "--best", "LATENCY", *AXES, "-o", str(tmp_path / "rows")]
    assert main(words) == 130
    said = capsys.readouterr().err
    assert "interrupted: 0 of 1 block" in said
    assert "the same command goes on" in said
    monkeypatch.setattr(_sweep, "measure", ledger)
    assert main(words) == 0


def test_what_is_to_be_the_best_has_to_be_said(
    fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["optimise", str(fake_app())]) == 2
    assert "--best" in capsys.readouterr().err
