"""The attacker finds what is planted, tells it once, and repeats it by the command that it prints."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.attack import apps, documents, kinds, scene
from tests.attack.__main__ import main
from tests.attack.kinds import INSTEAD, ROOT, WrongError

import lpbench
from lpbench.app.files import CONFIG
from lpbench.testing import _marked, _message_fields, mutations

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]
    Attack = Callable[..., tuple[int, dict[str, Any], str]]

pytestmark = pytest.mark.long

FAULTS = {
    "unexpected": "KeyError at planted.py:",
    "looping": "OverTimeError at planted.py:",
    "waiting": "no answer in 1.5 s",
    "hungry": "MemoryError at planted.py:",
    "escaping": "wrote /nowhere/escaped",
    "dying": "the process crashed: SIGSEGV",
    "steering": "control characters shown",
    "starting": "started something: os.posix_spawn",
}
REPEAT = re.compile(r"make attack KINDS=(?P<kind>\S+) SEED=(?P<seed>\d+) MUTANT=(?P<mutant>\d+)")


@pytest.fixture
def attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Attack:
    """Attack planted kinds; returns exit status, the outcome by kind, and what was printed."""
    monkeypatch.setenv(INSTEAD, "tests.attack.planted")

    def run(*words: str) -> tuple[int, dict[str, Any], str]:
        file = tmp_path / "out.json"
        status = main([*words, "--json", str(file), "--keep", str(tmp_path / "kept")])
        found = json.loads(file.read_text(encoding="utf-8"))["kinds"]
        return status, {each["kind"]: each for each in found}, capsys.readouterr().out

    return run


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found_told_once_and_repeated(attack: Attack, kind: str) -> None:
    status, found, shown = attack("--kinds", kind, "--seed", "7", "--mutants", "2")
    (failure,) = found[kind]["failures"]
    assert status == 1
    assert failure["cause"].startswith(FAULTS[kind])
    assert failure["count"] == found[kind]["failed"]
    assert shown.count(f"repeat: {failure['repeat']}") == 1
    assert (Path(failure["files"]) / "number.txt").is_file()

    command = REPEAT.fullmatch(failure["repeat"])
    assert command
    words = ("--kinds", command["kind"], "--seed", command["seed"], "--mutant", command["mutant"])
    status, again, _ = attack(*words)
    assert status == 1
    assert again[kind]["tried"] == again[kind]["failed"] == 1
    assert again[kind]["failures"][0]["cause"] == failure["cause"]


def test_what_fails_does_not_end_the_attack(attack: Attack) -> None:
    """A child that died is started anew: every mutant is tried, of the kinds after it too."""
    _, found, shown = attack("--kinds", "dying,sound", "--seed", "1", "--mutants", "4")
    assert found["dying"]["tried"] == found["sound"]["tried"] == 4
    assert found["dying"]["failed"] == 4
    assert [line.split()[0] for line in shown.splitlines()[:4]] == ["kind", "dying", "sound", "all"]


def test_a_sound_reader_passes(attack: Attack) -> None:
    status, found, _ = attack("--kinds", "sound", "--seed", "3", "--mutants", "50")
    assert status == 0
    assert found["sound"]["refused"] + found["sound"]["accepted"] == found["sound"]["tried"] == 50
    assert found["sound"]["refused"]
    assert found["sound"]["accepted"]


def test_a_kind_without_seeds_is_noted_and_a_broken_one_fails(attack: Attack) -> None:
    status, found, shown = attack("--kinds", "lacking", "--seed", "3", "--mutants", "5")
    assert (status, found["lacking"]["tried"]) == (0, 0)
    assert "lacking: there is no seed for it" in shown
    status, found, shown = attack("--kinds", "broken", "--seed", "3", "--mutants", "5")
    assert status == 1
    assert "broken: could not be attacked: RuntimeError: TypeError: no such seed" in shown


def test_an_attack_ends_with_its_time(attack: Attack) -> None:
    status, found, _ = attack("--kinds", "slow,waiting", "--seed", "3", "--seconds", "8")
    assert found["slow"]["tried"]
    assert found["slow"]["failed"] == 0
    assert status == int(found["waiting"]["failed"] > 0)


def test_ctrl_c_shows_the_table_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.attack", "--kinds", "slow", "--mutants", "100000", "--seed", "1"]
    environment = {**os.environ, INSTEAD: "tests.attack.planted", "PYTHONUNBUFFERED": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, cwd=ROOT, **streams) as process:  # type: ignore[call-overload] # streams of several types
        assert "seed 1" in process.stderr.readline()
        process.stderr.readline()  # a line of progress: some have been tried
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert [line.split()[0] for line in shown.splitlines()] == ["kind", "slow", "all"]


def test_an_unknown_kind_is_refused(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["--kinds", "no-such-kind"])
    assert "no-such-kind" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, kind in kinds.kinds().items() if not kind.starts])
def test_the_same_seed_gives_the_same_mutants(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By seeds that are made anew, as in another child."""
    found = kinds.kinds()[name]
    if lacking := kinds.missing(found):
        pytest.skip(f"needs {lacking}")

    def written(seed: int, part: str) -> list[dict[str, bytes]]:
        home = tmp_path / part
        (home / "seeds").mkdir(parents=True)
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        kind = found(home / "seeds")
        for at in range(8):
            (home / str(at)).mkdir()
            kind.write(random.Random(f"{seed} {at}"), home / str(at))
        return [_content(home / str(at), home) for at in range(8)]

    first, again, other = written(1, "first"), written(1, "again"), written(2, "other")
    assert first == again
    assert first != other


def _content(folder: Path, home: Path) -> dict[str, bytes]:
    """Return what is in a folder by path; the folder's own place is left out."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {
        name: path.read_bytes().replace(str(home).encode(), b"HOME") if path.is_file() else b""
        for name, path in files.items()
    }


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_any_bytes_can_be_damaged(content: bytes, seed: int) -> None:
    damage = [mutations.mutated(content, random.Random(seed), [b"other"]) for _ in range(2)]
    assert damage[0] == damage[1]


@given(st.recursive(st.binary(max_size=9), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_a_message_is_taken_apart_and_put_together(tree: Any) -> None:
    def joined(value: Any) -> bytes:
        inner = value if isinstance(value, bytes) else b"".join(map(joined, value))
        return bytes([0x12, len(inner)]) + inner if len(inner) < _message_fields.MORE else b"\x08\x01"

    content = joined(tree)
    fields = _message_fields.parsed(content)
    assert fields
    assert _message_fields.joined(fields) == content


@given(st.integers(0, 2000))
def test_damaged_documents_are_bytes_whatever_is_put_in(seed: int) -> None:
    text = json.dumps({"a": [1, {"b": None}], "c": "d", "e": {"f": 1.5}})
    assert isinstance(documents.damaged(text, random.Random(seed)), bytes)
    assert isinstance(documents.yaml(text, random.Random(seed)), bytes)


def test_a_damaged_document_does_not_depend_on_those_before_it() -> None:
    text = json.dumps({"a": [1, {"b": None}], "c": "d", "e": {"f": 1.5}})
    numbers = range(1500)
    first = {number: documents.damaged(text, random.Random(number)) for number in numbers}
    assert {number: documents.damaged(text, random.Random(number)) for number in reversed(numbers)} == first


@pytest.mark.parametrize("config", [apps.CHAIN, apps.SMALL], ids=["chain", "small"])
def test_what_is_damaged_is_sound_before(config: dict[str, Any], tmp_path: Path) -> None:
    """Else every mutant ends at the fault that it was born with."""
    apps.write_files(tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    assert lpbench.load_app(tmp_path).components


def test_an_orphan_is_found_by_its_mark(tmp_path: Path) -> None:
    """A grandchild in a session of its own, whose parent has ended."""
    mark = _marked.new()
    script = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\ntime.sleep(60)"
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **mark.variable}, check=True)
    try:
        assert "time.sleep(60)" in mark.left()
    finally:
        mark.end()
    assert mark.left() == ""


def test_a_process_and_a_file_that_are_left_behind_are_told(tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    place = scene.Scene(tmp_path)
    usual = place.paths()
    scene.nothing_left(place, usual)
    (place.cache / ".half-written").write_bytes(b"")
    with pytest.raises(WrongError, match=r"files left: place/cache/\.half-written"):
        scene.nothing_left(place, usual)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=place.variables()):
        time.sleep(0.1)
        with pytest.raises(WrongError, match="processes are left"):
            scene.nothing_left(place, usual)


def test_a_lost_run_is_told(tmp_path: Path) -> None:
    """Progress said that two runs are finished; the newest result has them, or has one, or there is none."""
    pytest.importorskip("numpy", reason="needs numpy")
    place = scene.Scene(tmp_path)
    said = "fake run 1/3 · starting\nfake run 3/3 · starting · 9 s\n"
    with pytest.raises(WrongError, match="there is no result"):
        scene.nothing_lost(place, said)
    results = place.data / "lpbench" / "results"
    results.mkdir(parents=True)
    whole = json.loads((ROOT / "tests/data/results-v1/one-engine.json").read_text(encoding="utf-8"))
    (results / "1.json").write_text(json.dumps(whole), encoding="utf-8")
    name = whole["configurations"][0]["engine"]
    said = said.replace("fake", name)
    runs = len(whole["configurations"][0]["runs"])
    scene.nothing_lost(place, said.replace("3/3", f"{runs + 1}/9"))
    with pytest.raises(WrongError, match="finished runs are lost"):
        scene.nothing_lost(place, said.replace("3/3", f"{runs + 2}/9"))
