"""``lpbench apps`` and ``lpbench pull``: what a person and a program see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpbench.app import catalogue
from lpbench.app.catalogue import Entry, Progress
from lpbench.cli import main
from lpbench.cli.pull import text
from lpbench.errors import PullError
from lpbench.plugin.kit.downloads import Package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., Path]

PLUGIN = """
from lpbench import hookimpl
from lpbench.app.catalogue import Entry, Package
from lpbench.plugin.specs import AppSpec

def entry(name):
    package = Package("pip", "w", "1.0", "w-1.0-py3-none-any.whl", "0" * 64, 2_500_000, "BSD-3-Clause", {"a": "a"})
    return Entry(name, "1", "emotion", "MIT", "synthetic", (package,), "recipes:build")

ONE, TWO = entry("one"), entry("two")

@hookimpl
def lpbench_register_apps(register):
    register(AppSpec("one", "shop:ONE", "the first"))
    register(AppSpec("two", "shop:TWO", "the second", requires=("no_such_module",), hint="pip install it"))
"""


@pytest.fixture(autouse=True)
def _shop(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "image")  # which has entries of its own
    install("shop", PLUGIN)


@pytest.fixture
def pulls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, bool]]:
    """Stand in for fetching and building; return what was asked for.  "two" always fails."""
    asked: list[tuple[str, bool]] = []

    def pull(name: str, *, force: bool = False, progress: Callable[[Progress], None]) -> Path:
        asked.append((name, force))
        progress(Progress(name, "fetch", "w.whl", 0, 2_500_000))
        if name == "two":
            raise PullError("two: pip failed", hint="look at pip's configuration")
        (tmp_path / name).mkdir()
        (tmp_path / name / "model").write_bytes(bytes(1_234_567))
        return tmp_path / name

    monkeypatch.setattr(catalogue, "pull", pull)
    return asked


def row(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(name))


def test_apps_lists_state_sizes_and_licences(capsys: pytest.CaptureFixture[str]) -> None:
    """One entry that can be pulled, one that cannot: the reason stands under the table, the next command last."""
    assert main(["apps"]) == 0
    output = capsys.readouterr().out
    assert row(output, "one").split() == ["one", "emotion", "available", "2.50", "MIT,", "BSD-3-Clause"]
    assert "unavailable" in row(output, "two")
    assert "  two  not installed: no_such_module. pip install it" in output
    assert output.splitlines()[-1] == "next: lpbench pull one"


def test_apps_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The same for programs: sizes in bytes, null where there is nothing."""
    assert main(["apps", "--json"]) == 0
    one, two = (each for each in json.loads(capsys.readouterr().out) if each["name"] in {"one", "two"})
    assert (one["state"], one["download_bytes"], one["folder"], one["licences"]) == (
        "available",
        2_500_000,
        None,
        ["MIT", "BSD-3-Clause"],
    )
    assert (two["state"], two["reason"], two["hint"]) == (
        "unavailable",
        "not installed: no_such_module",
        "pip install it",
    )


def test_pull_says_what_it_does_and_where_the_app_is(
    pulls: list[tuple[str, bool]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Progress on standard error, the answer and the next command on standard output."""
    assert main(["pull", "one", "--force"]) == 0
    output, said = capsys.readouterr()
    assert pulls == [("one", True)]
    assert said == "one: fetching 2.50 MB · w.whl\n"
    assert output == f"one pulled in under 1 s: 1.23 MB in {tmp_path / 'one'}\nnext: lpbench run one\n"


def test_pull_as_json(pulls: list[tuple[str, bool]], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Standard output holds nothing but the document."""
    assert main(["pull", "one", "one", "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["name"], document["folder"], document["disk_bytes"]) == ("one", str(tmp_path / "one"), 1_234_567)
    assert len(pulls) == 1


def test_pull_goes_on_after_one_that_fails(pulls: list[tuple[str, bool]], capsys: pytest.CaptureFixture[str]) -> None:
    """Several entries: each failure is told, the rest is pulled, and the exit status says that not all is there."""
    assert main(["pull", "two", "one"]) == 2
    output, said = capsys.readouterr()
    assert [name for name, _ in pulls] == ["two", "one"]
    assert "error: two: pip failed\n  look at pip's configuration\n" in said
    assert "error: 1 of 2 entries could not be pulled" in said
    assert output.startswith("one pulled")


@pytest.mark.parametrize(
    ("words", "told"),
    [(["onne"], 'did you mean "one"'), ([], "no entry given"), (["one", "thre"], 'unknown app "thre"')],
)
def test_wrong_names_stop_before_anything_is_fetched(
    pulls: list[tuple[str, bool]], capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """A name that is unknown, or none at all."""
    assert main(["pull", *words]) == 2
    assert told in capsys.readouterr().err
    assert pulls == []


def test_a_long_download_says_how_long_it_will_take() -> None:
    """A quarter of 40 MB in 5 s: 15 s are left."""
    assert text(Progress("one", "fetch", "w.whl", 10_000_000, 40_000_000, 5.0)) == (
        "one: fetching 10.0 of 40.0 MB · 5 s · about 15 s left · w.whl"
    )
    assert text(Progress("one", "build", "recipes:build", seconds=3.0)) == "one: building · 3 s · recipes:build"


def test_definitions_are_compared_as_a_whole() -> None:
    """Any change of a definition, deep inside too, is another fingerprint."""
    package = Package("pip", "w", "1.0", "w.whl", "0" * 64, 1, "MIT", {"a": "b"})
    entry = Entry("one", "1", "emotion", "MIT", "synthetic", (package,), "recipes:build")
    other = Package("pip", "w", "1.0", "w.whl", "0" * 64, 1, "MIT", {"a": "c"})
    assert (
        entry.fingerprint()
        == Entry("one", "1", "emotion", "MIT", "synthetic", (package,), "recipes:build").fingerprint()
    )
    assert (
        entry.fingerprint() != Entry("one", "1", "emotion", "MIT", "synthetic", (other,), "recipes:build").fingerprint()
    )
