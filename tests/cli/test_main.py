"""The command line itself, and the commands that list; in this process and as a person starts it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench import cli
from lpbench.cli import main
from lpbench.cli._parser import Parser
from lpbench.plugin import registry
from lpbench.plugin.builtin.commands import COMMANDS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
BROKEN = "import library_that_is_not_there"
COMMAND = """
    import lpbench
    from lpbench.plugin.specs import CommandSpec

    @lpbench.hookimpl
    def lpbench_register_commands(register):
        register(CommandSpec("greet", "acme_greet", "say hello"))
"""
GREET = """
def configure(parser):
    parser.add_argument("name")

def main(options):
    print("hello", options.name)
    return 7
"""


def lpbench(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run lpbench in a process of its own."""
    command = [sys.executable, "-m", "lpbench", *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, text=True, capture_output=True, check=False, timeout=120
    )


def test_help_lists_every_command_with_a_line_and_two_examples(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", text, re.MULTILINE)
    assert len(re.findall(r"^  lpbench run ", text, re.MULTILINE)) == 2


def test_without_a_command_the_help_is_shown_and_the_status_is_wrong_usage(capsys: Capture) -> None:
    assert main([]) == 2
    assert "usage: lpbench COMMAND" in capsys.readouterr().out


def test_version_names_lpbench_and_its_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"lpbench \S+\n", capsys.readouterr().out)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_ends_with_two_examples_that_are_right(name: str, capsys: Capture) -> None:
    """The examples are parsed by the command's own parser: a renamed option breaks this test, not a reader."""
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out.rstrip()
    examples = shown.partition("examples:\n")[2].replace("\\\n", " ").splitlines()
    assert len(examples) >= 2, shown
    for example in examples:
        words = shlex.split(example)
        words = words[words.index("lpbench") :]
        assert words[1] == name
        parser = Parser(name)
        cli.command_module(name).configure(parser)
        parser.parse(words[2:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], ['unknown command "rnu"', 'did you mean "run"?']),
        (["--verison"], ["unknown option --verison", "lpbench --help"]),
        (["engines", "--jsno"], ["unknown option --jsno", 'did you mean "--json"?']),
        (["engines", "--js"], ["unknown option --js"]),  # abbreviations change their meaning when options are added
        (["engines", "extra"], ['unexpected argument "extra"', "lpbench engines --help"]),
        (["run"], ["APP", "lpbench run --help"]),
        (["benchmark-analyzer", "--ai-ap", "x"], ["unknown option --ai-ap", '"--ai-app"']),
        (["run", "x", "--threads", "two"], ["--threads", 'found "two"', "whole number"]),
        (["run", "x", "--affinity", "3-"], ["--affinity", "0,2-3"]),
        (["run", "x", "--shape", "1,2"], ["--shape", "NAME=1,3,224,224"]),
        (["run", "x", "--range", "x=2,1"], ["--range", "LO below HI"]),
        (["run", "x", "--timeout", "0"], ["--timeout", "above 0"]),
        (["run", "x", "--set", "threads"], ["--set", "KEY=VALUE"]),
    ],
)
def test_a_mistyped_line_is_answered_with_what_is_right(words: list[str], said: list[str], capsys: Capture) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("error: ")
    assert all(part in shown.err for part in said), shown.err
    assert len(shown.err.splitlines()) <= 3


@pytest.mark.parametrize(("text", "cores"), [("0", (0,)), ("0,2-3", (0, 2, 3)), ("3,1,1", (1, 3)), ("0-0", (0,))])
def test_cores_are_numbers_and_ranges(text: str, cores: tuple[int, ...]) -> None:
    parser = Parser("run")
    cli.command_module("run").configure(parser)
    assert parser.parse(["x", "--affinity", text]).affinity == cores


def test_a_tensor_may_have_an_equals_sign_in_its_name() -> None:
    parser = Parser("run")
    cli.command_module("run").configure(parser)
    options = parser.parse(["x", "--shape", "a=b:0=1,3", "--range", "n=-1,1.5"])
    assert options.shapes == [("a=b:0", [1, 3])]
    assert options.ranges == [("n", [-1.0, 1.5])]


def test_a_traceback_is_shown_only_when_asked(capsys: Capture) -> None:
    assert main(["show", "nothing.json"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    shown = lpbench("show", "nothing.json", "--debug")
    assert shown.returncode != 0
    assert "Traceback" in shown.stderr


def test_ctrl_c_ends_any_command_with_130(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    from lpbench.cli import engines

    def interrupt(options: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(engines, "main", interrupt)
    assert main(["engines"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    """``lpbench --help | head -0``: silence instead of a traceback."""
    command = [sys.executable, "-m", "lpbench", "--help"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["--help", "plugins", "doctor --json"])
def test_a_full_disk_is_told_in_a_line(command: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        words = [sys.executable, "-m", "lpbench", *command.split()]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output: cannot be used: No space left on device")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("below", ["acme", "deep/acme"])
def test_a_plugin_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path, capsys: Capture, below: str) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / below
    assert main(["new-plugin", "acme", "--dir", str(place)]) == 2
    what, remedy = capsys.readouterr().err.splitlines()
    assert what == f"error: {place}: cannot be written: Not a directory; nothing was kept"
    assert remedy.startswith(f"  {tmp_path / 'file'}")
    assert remedy.endswith("is no folder; choose another folder: --dir DIR")


def test_a_terminal_without_unicode_gets_question_marks(fakes: registry.Registry) -> None:
    shown = lpbench("--help", PYTHONIOENCODING="ascii")
    assert shown.returncode == 0
    assert "usage: lpbench COMMAND" in shown.stdout


def test_a_built_in_command_asks_no_plugin(capsys: Capture) -> None:
    """A plugin that hangs or breaks must not keep anybody from looking at results."""
    main(["show", "nothing.json"])
    assert registry._current is None


def test_a_plugins_command_is_listed_and_runs(install: Callable[..., Path], site: Path, capsys: Capture) -> None:
    install("acme", COMMAND)
    (site / "acme_greet.py").write_text(GREET, encoding="utf-8")
    registry.refresh()
    assert main(["--help"]) == 0
    assert re.search(r"greet +say hello", capsys.readouterr().out)
    assert main(["greet", "you"]) == 7
    assert capsys.readouterr().out == "hello you\n"


def test_engines_are_listed_with_state_version_formats_and_what_is_missing(
    fakes: registry.Registry, capsys: Capture
) -> None:
    assert main(["engines"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["fake"].split()[1:] == ["ready", "fake"]
    assert "missing" in lines["absent"]
    assert "not installed: no_such_library. pip install no-such-library" in lines["absent"]


def test_listing_engines_imports_none(fakes: registry.Registry) -> None:
    code = (
        "import sys; from lpbench.cli import main; main(['engines']);"
        "print(*sorted({'lpbench_fakes.engine', 'numpy', 'onnxruntime', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert "fake" in done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("words", [["--version"], ["run", "--help"]])
def test_what_measures_nothing_loads_neither_plugins_nor_what_reads_results(words: list[str]) -> None:
    code = (
        f"import sys; from lpbench.cli import main; main({words});"
        "found = {'pluggy', 'lpbench.plugin.specs', 'lpbench.results.store'} & set(sys.modules);"
        "print(*sorted(found), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert "lpbench" in done.stdout
    assert done.stderr.strip() == ""


def test_engines_for_programs(fakes: registry.Registry, capsys: Capture) -> None:
    assert main(["engines", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["fake"]["state"] == "ready"
    assert listed["fake"]["aliases"] == ["phony"]
    assert listed["fake"]["distribution"] == "lpbench-fakes 1.0"
    assert listed["absent"]["hint"] == "pip install no-such-library"


def test_a_broken_plugin_is_shown_where_its_engine_is_looked_for(install: Callable[..., Path], capsys: Capture) -> None:
    install("acme", BROKEN)
    registry.refresh()
    assert main(["engines"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("acme"))
    assert "broken" in line
    assert "lpbench-acme 1.0: ModuleNotFoundError" in line
    assert "lpbench plugins -v" in line


def test_without_any_engine_there_is_a_way_on(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda: ([], []))
    assert main(["engines"]) == 0
    assert "pip install" in capsys.readouterr().out


def test_a_probe_names_devices(fakes: registry.Registry, capsys: Capture) -> None:
    assert main(["engines", "--probe"]) == 0
    assert re.search(r"^fake +ready +1\.0 +fake +devices: cpu", capsys.readouterr().out, re.MULTILINE)


def test_a_probe_that_crashes_is_a_broken_engine_and_not_the_end(
    fakes: registry.Registry, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A vendor's library that segfaults when it is started; the other engines are listed as ever."""
    monkeypatch.setenv("FAKE_PROBE", "crash")
    assert main(["engines", "--probe", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["fake"]["state"] == "broken"
    assert listed["fake"]["reason"] == "crashed: SIGSEGV while probing"
    assert listed["absent"]["state"] == "missing"


def test_the_function_behind_it_gives_the_same(fakes: registry.Registry) -> None:
    import lpbench

    assert lpbench.engines()["fake"].availability
    assert lpbench.probe("fake").devices == ("cpu",)
    assert not lpbench.probe("absent").availability
    assert "engine" in lpbench.plugins()["fakes"].offers


def test_plugins_are_listed_with_distribution_and_what_they_offer(fakes: registry.Registry, capsys: Capture) -> None:
    assert main(["plugins"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^fakes +lpbench-fakes 1\.0 +2 engines, 1 preprocessor, 1 postprocessor$", text, re.MULTILINE)
    assert main(["plugins", "-v"]) == 0
    assert "  engine: absent, fake" in capsys.readouterr().out


def test_a_failure_is_told_in_a_line_and_in_full_when_asked(install: Callable[..., Path], capsys: Capture) -> None:
    install("acme", BROKEN)
    registry.refresh()
    assert main(["plugins"]) == 0
    short = capsys.readouterr().out
    assert re.search(r"^acme +lpbench-acme 1\.0 +nothing: it failed to load$", short, re.MULTILINE)
    assert "Traceback" not in short
    assert main(["plugins", "-v"]) == 0
    full = capsys.readouterr().out
    assert "Traceback" in full
    assert BROKEN in full


def test_plugins_for_programs(fakes: registry.Registry, capsys: Capture) -> None:
    assert main(["plugins", "--json"]) == 0
    listed: dict[str, Any] = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["fakes"]["offers"]["engine"] == ["absent", "fake"]
    assert "builtin" in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name: str) -> None:
    """docs/reference/cli.md says a word on each option."""
    text = REFERENCE.read_text(encoding="utf-8")
    parser = Parser(name)
    cli.command_module(name).configure(parser)
    options = [each for each in parser._option_string_actions if each not in {"-h", "--help"}]
    assert f"`{name}" in text
    assert [each for each in options if not re.search(rf"`{each}[ `]", text)] == []


def test_the_reference_names_no_option_that_is_gone() -> None:
    every = {"--help", "--debug"}
    for name in COMMANDS:
        parser = Parser(name)
        cli.command_module(name).configure(parser)
        every.update(parser._option_string_actions)
    assert set(re.findall(r"--[a-z][a-z-]+", REFERENCE.read_text(encoding="utf-8"))) <= every
