"""Remedies speak to whoever reads them: of options on the command line, of arguments in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.cli import command_module, main
from lpbench.cli._parser import Parser
from lpbench.errors import LpbenchError, asked_on_command_line, either, setting
from lpbench.plugin.builtin.commands import COMMANDS
from lpbench.results.settings import documentation

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path


def options_by_setting() -> dict[str, str]:
    """Return the option of the command line for each setting."""
    found: dict[str, str] = {}
    for command in COMMANDS:
        parser = Parser(command)
        command_module(command).configure(parser)
        actions: list[argparse.Action] = parser._actions  # argparse has no public name for it
        found.update({each.dest: each.option_strings[0] for each in actions if each.option_strings})
    return found


@pytest.mark.parametrize("name", documentation())
def test_every_setting_is_named_as_it_can_be_given(name: str) -> None:
    assert setting(name) == name
    with asked_on_command_line():
        assert setting(name) == options_by_setting()[name]


@pytest.mark.parametrize(
    ("words", "line", "call"),
    [
        (lambda: setting("max_time", 5.0), "--max-time 5", "max_time=5"),
        (lambda: setting("data", "DIR"), "--data DIR", 'data="DIR"'),
        (
            lambda: setting("shapes", {"x": "1,3", "y": "2"}),
            "--shape x=1,3 --shape y=2",
            'shapes={"x": [1,3], "y": [2]}',
        ),
        (lambda: setting("convert", on=True), "--convert", "convert=True"),
        (lambda: either("lpbench engines", "lpbench.engines()"), "lpbench engines", "lpbench.engines()"),
    ],
)
def test_values_stand_beside_their_setting(words: Callable[[], str], line: str, call: str) -> None:
    assert words() == call
    with asked_on_command_line():
        assert words() == line
    assert words() == call, "a command that is over speaks no more"


def test_one_error_has_two_remedies(
    fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Raised in a worker, in Python of a notebook and by the command: each speaks to its reader."""
    app = str(fake_app())
    for keywords, words in (({"number": 1, "runs": 2}, "number"), ({"batch": 0}, "batch"), ({"runs": 0}, "runs")):
        given: dict[str, Any] = {"engine": "fake", **keywords}
        with pytest.raises(LpbenchError) as error:
            lpbench.benchmark(app, **given)
        assert words in error.value.hint
        assert "--" not in error.value.hint
    assert main(["run", app, "--engine", "fake", "--number", "1", "--runs", "2"]) == 2
    assert "--number counts" in capsys.readouterr().err
    assert main(["run", app, "--data", str(tmp_path / "none")]) == 2
    assert "--data takes" in capsys.readouterr().err
