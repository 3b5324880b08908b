"""Environments that are made: with this lpbench, in the cache, from what a registry has."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import LpbenchError
from lpbench.jobs.environments import _making, create, every, remove
from lpbench.jobs.environments._places import WRITTEN, folder
from lpbench.jobs.environments._wheels import pack
from lpbench.plugin.kit import downloads
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]


@pytest.fixture
def made(environment: Make) -> str:
    """Put an environment where those are that were made, and return its name."""
    folder().mkdir(parents=True)
    place = environment("fresh").rename(folder() / "old")
    record = {"libraries": ["fake==1.*"], "python": "3.11.7", "lpbench": "0.1", "created": "", "loosened": False}
    (place / WRITTEN).write_text(json.dumps(record), encoding="utf-8")
    return place.name


def test_an_environment_that_was_made_is_listed_measured_and_removed(
    made: str, fake_app: Make, capsys: Capture
) -> None:
    assert main(["env", "list"]) == 0
    assert capsys.readouterr().out == f"env:old  fake==1.*  Python 3.11.7  {folder() / made}\n"
    result, (found,) = lpbench.compare_live(fake_app(), ["fake@env:old:extra_us=9", "fake"], runs=2, max_time=0.5)
    assert (found.first, found.second) == ("fake@env:old:extra_us=9", "fake")
    assert result.configurations[0].software["environment"] == str(folder() / made)
    assert main(["env", "remove", "old"]) == 0
    assert every() == []
    assert list(folder().iterdir()) == []


def test_a_damaged_record_hides_no_environment(made: str) -> None:
    (folder() / made / WRITTEN).write_text("[", encoding="utf-8")
    assert [(each.name, each.libraries) for each in every()] == [("old", ())]
    remove(made)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "old"], "create takes a library"),
        (["create", "--with", "x==1"], "create takes the name"),
        (["create", "../old", "--with", "x==1"], "is not the name of an environment"),
        (["create", "old", "--with", "no-such-library==1"], 'uses a library "no-such-library"'),
        (["create", "old", "--with=--index-url=http://x"], "is not a library with its version"),
        (["create", "old", "--with", "./here"], "is not a library with its version"),
        (["list", "old"], "list takes no name"),
        (["remove", "old"], 'there is no environment "old"'),
        (["list", "--python", "3.13"], "--with and --python are for create"),
    ],
)
def test_what_cannot_be_made_is_refused(capsys: Capture, fakes: object, words: list[str], told: str) -> None:
    assert fakes
    assert main(["env", *words]) > 1
    assert told in capsys.readouterr().err


def test_a_name_is_taken_once(made: str) -> None:
    with pytest.raises(LpbenchError, match='there is an environment "old" already\n  lpbench env remove old'):
        create(made, ["fake==2"])


def test_nothing_is_left_of_one_that_cannot_be_made(fakes: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fakes
    monkeypatch.setattr(_making, "_plugins", lambda _: ("fake", []))
    monkeypatch.setattr(_making, "_python", lambda _: "/bin/false")
    with pytest.raises(LpbenchError, match="the environment cannot be made: exit status 1"):
        create("old", ["some-library==1.0"])
    assert every() == []
    assert [path for path in folder().iterdir() if path.is_dir()] == []


def test_two_do_not_make_one_environment(fakes: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fakes
    monkeypatch.setattr(_making, "_plugins", lambda _: ("fake", []))
    with (
        atomic_folders.locked(folder(), "old"),
        pytest.raises(LpbenchError, match='another process is making the environment "old"'),
    ):
        create("old", ["some-library==1.0"])


def test_what_a_killed_process_left_is_removed_by_the_next(fakes: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fakes
    (left := folder() / f".other.{atomic_folders.MARK}x1").mkdir(parents=True)
    monkeypatch.setattr(_making, "_plugins", lambda _: ("fake", []))
    monkeypatch.setattr(_making, "_python", lambda _: "/bin/false")
    with pytest.raises(LpbenchError, match="cannot be made"):
        create("old", ["some-library==1.0"])
    assert not left.exists()


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("ERROR: No matching distribution found for numpy==9", True),
        ("ERROR: Cannot install a and b because these package versions have conflicting dependencies.", True),
        ("ERROR: Failed to build a wheel", False),
        (f"{downloads.CLIENTS['pip'].unreachable}\nERROR: No matching distribution found for numpy==9", False),
    ],
)
def test_other_versions_are_tried_only_where_those_of_here_do_not_fit(output: str, *, found: bool) -> None:
    assert _making.unsolvable(output) is found


def test_a_wheel_holds_what_is_installed(tmp_path: Path) -> None:
    wheel = pack("lpbench", "lpbench", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
        listed = {line.partition(",")[0] for line in archive.read(record).decode().splitlines()}
    assert listed == set(names)
    assert {"lpbench/__init__.py", "lpbench/results/result.schema.json"} < listed
    assert not any("__pycache__" in name for name in names)
