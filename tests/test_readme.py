"""The README tells the truth: its plugin is the one that is installed and run in test_thirdparty."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from lpbench import cli
from lpbench.cli._parser import Parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGIN = ROOT / "tests" / "data" / "lpbench-acme"


@pytest.mark.parametrize("name", ["pyproject.toml", "lpbench_acme/__init__.py", "lpbench_acme/engine.py"])
def test_the_plugin_is_the_one_that_is_tested(name: str) -> None:
    assert (PLUGIN / name).read_text(encoding="utf-8").rstrip() in README


def lines_of_use() -> list[str]:
    """Return every command of the section "Use"."""
    section = README.partition("\n## Use\n")[2].partition("\n## ")[0]
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith("lpbench ")
    ]


@pytest.mark.parametrize("line", lines_of_use(), ids=lambda line: line.partition("  ")[0])
def test_commands_of_use_are_right(line: str) -> None:
    """Options by the command's own parser; .ci/readme.py runs the lines that need no more than the demo."""
    words = shlex.split(line, comments=True)
    parser = Parser(words[1])
    cli.command_module(words[1]).configure(parser)
    parser.parse(words[2:])


def test_files_that_use_compares_are_written_by_lines_before() -> None:
    written: set[str] = set()
    for line in lines_of_use():
        words = shlex.split(line, comments=True)
        assert {word for word in words if word in {"before.json", "after.json"}} <= written | {*words[-1:]}
        written |= {after for word, after in itertools.pairwise(words) if word == "-o"}
    assert {"before.json", "after.json"} <= written


def test_it_stays_readable_in_a_few_minutes() -> None:
    assert len(README.splitlines()) < 200
