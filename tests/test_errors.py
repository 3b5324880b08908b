"""Errors say the thing, the place and the remedy, in that order."""

from __future__ import annotations

import pickle

import pytest

from lpbench import errors
from lpbench.errors import LpbenchError, WorkerError, nearest
from lpbench.util.outcome import RunOutcome

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, LpbenchError)]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (LpbenchError("no such file"), "no such file"),
        (LpbenchError("no such file", where="app/model.onnx"), "app/model.onnx: no such file"),
        (LpbenchError("unknown engine", hint="known: a, b"), "unknown engine\n  known: a, b"),
        (LpbenchError("found 2", where="a.json: size", hint="give one"), "a.json: size: found 2\n  give one"),
    ],
)
def test_text_of_an_error(error: LpbenchError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("kind", ALL)
def test_every_error_can_be_caught_as_one_and_keeps_its_parts(kind: type[LpbenchError]) -> None:
    error = kind("what", where="where", hint="hint")
    assert isinstance(error, LpbenchError)
    assert (error.what, error.where, error.hint) == ("what", "where", "hint")


def test_a_worker_error_carries_the_outcome_for_the_result() -> None:
    crashed = RunOutcome("crashed", "loading", "SIGSEGV")
    assert WorkerError("gone", outcome=crashed).outcome == crashed
    assert WorkerError("gone").outcome == RunOutcome("failed", detail="gone")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RunOutcome(), "OK"),
        (RunOutcome("interrupted"), "interrupted"),
        (RunOutcome("crashed", "loading", "SIGSEGV"), "crashed: SIGSEGV while loading"),
        (RunOutcome("killed", "measuring", "SIGKILL"), "killed: SIGKILL while measuring"),
        (RunOutcome("exited", "loading", detail="exit status 3"), "ended: exit status 3 while loading"),
        (RunOutcome("hung", "loading", detail="no answer in 2 s"), "hung: no answer in 2 s while loading"),
        (RunOutcome("failed", detail="no such model"), "failed: no such model"),
    ],
)
def test_an_outcome_is_a_value_with_words(outcome: RunOutcome, words: str) -> None:
    assert str(outcome) == words
    assert outcome.ok == (outcome.kind == "ok")


@pytest.mark.parametrize("kind", ALL)
def test_errors_survive_pickling(kind: type[LpbenchError]) -> None:
    """As pools and futures send them."""
    error = pickle.loads(pickle.dumps(kind("what", where="where", hint="hint")))  # noqa: S301 - our own bytes
    assert str(error) == "where: what\n  hint"


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("onnxrutime", ["onnxruntime", "ncnn"], 'did you mean "onnxruntime"?'),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [], "none are known"),
    ],
)
def test_nearest_name_or_all_names(name: str, known: list[str], text: str) -> None:
    assert nearest(name, known) == text
