"""``lpbench new-app`` as it is typed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from lpbench.app.check import validate
from lpbench.cli import new_app
from lpbench.plugin import registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAR = """
from lpbench.plugin.guessing import GuessedStep
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import ProcessorSpec

def guess(facts):
    return GuessedStep({}, ("the rate is 8 kHz",))

@hookimpl
def lpbench_register_preprocessors(register):
    register(ProcessorSpec("hear", "nowhere", classes=("audio_classification",), guess="hear:guess"))
"""


def test_it_says_what_was_written_what_was_assumed_and_what_to_type_next(
    tmp_path: Path, fakes: object, install: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    install("hear", HEAR)
    registry.refresh()
    (tmp_path / "net.fake").write_text("{}")
    folder = tmp_path / "my app"
    parser = argparse.ArgumentParser()
    new_app.configure(parser)
    words = [str(folder), "--class", "audio_classification", "--model", str(tmp_path / "net.fake")]
    assert new_app.main(parser.parse_args(words)) == 0
    out = capsys.readouterr().out
    assert f"wrote {folder}: audio_classification, fake\n  input number: int64 1\n" in out
    assert "if they are wrong\n  the rate is 8 kHz\n" in out
    assert out.endswith(f"next\n  lpbench validate '{folder}'\n  lpbench run '{folder}' --data DIR_OF_SAMPLES\n")
    assert [each for each in validate(folder) if not each.note] == []


@pytest.mark.parametrize("missing", ["--class", "--model"])
def test_class_and_model_must_be_given(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    new_app.configure(parser)
    words = {"--class": "model", "--model": "m.onnx"}
    given = [word for option, value in words.items() if option != missing for word in (option, value)]
    with pytest.raises(SystemExit):
        parser.parse_args(["my-app", *given])
    assert missing in capsys.readouterr().err
