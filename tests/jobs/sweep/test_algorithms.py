"""Algorithms in sweeps: what a row is, what a run that goes wrong costs, and where a sweep of them goes on."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import lpbench
from lpbench.errors import ConfigError, LpbenchError, ResultError
from lpbench.jobs.sweep import _algorithm, _algorithm_measure

if TYPE_CHECKING:
    from collections.abc import Callable

SORT = """
call = "sorts.py:sort"
instances = 3
[inputs.size]
values = [10, 20]
doc = "numbers to sort"
[hyperparameters.kind]
type = "str"
values = ["good", "better", "crash", "leave", "vanish", "grow", "hang", "raise", "refuse", "nan", "word", "nothing"]
[targets.quality]
unit = "%"
best = "highest"
"""


@pytest.fixture
def algorithm(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an algorithm's file."""
    shutil.copy(Path(__file__).with_name("sorts.py"), tmp_path)

    def write(text: str = SORT, name: str = "sorts.toml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_row_has_what_was_set_and_what_was_measured(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    values = {"kind": ["good", "better"]}
    found = lpbench.sweep(algorithm(), tmp_path / "rows", values=values, runs=3)
    assert [row.configuration for row in found.rows] == [
        f"size={size}:kind={kind}" for size in (10, 20) for kind in values["kind"]
    ]
    first = found.rows[0]
    assert (first.state, first.value("size"), first.value("kind")) == ("OK", 10, "good")
    assert first.value("quality") == 11.0, "the mean of the instances"
    assert first.metrics["quality"].interval_reason == "the same in every run"
    time = first.metrics["time"]
    assert time.interval is not None
    assert (time.unit, time.n) == ("s", 3)
    assert 0 < time.interval.lower < first.value("time") < time.interval.upper  # type: ignore[operator] # it was measured
    assert [each.name for each in found.columns] == ["size", "kind", "time", "memory", "quality"]
    assert found == lpbench.load_sweep(tmp_path / "rows") == lpbench.sweep(None, tmp_path / "rows")
    assert found.best_first("quality").rows[0].value("size") == 20, "the highest is the best by its target"
    assert [row.number for row in found.where(KIND="better").rows] == [2, 4]


def test_what_goes_wrong_costs_its_own_row_and_says_why(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    found = lpbench.sweep(algorithm(), tmp_path / "rows", values={"size": [10]}, runs=1, timeout=8)
    reasons = {str(row.value("kind")): row.reason for row in found.rows}
    wrong = {kind: reason for kind, reason in reasons.items() if reason}
    assert {kind for kind, reason in reasons.items() if not reason} == {"good", "better", "nothing"}
    (nothing,) = (row for row in found.rows if row.value("kind") == "nothing")
    assert nothing.metrics["quality"].reason == "not defined for 3 of 3 instances"
    assert wrong.pop("crash").startswith("crashed: SIGABRT")
    assert wrong == {
        "leave": "SystemExit: 3",
        "vanish": "ended without an answer",
        "grow": "needs more than 8192 MB of memory",
        "hang": "hung: it ran longer than 8 s",
        "raise": "ArithmeticError: no way",
        "refuse": "not today; come tomorrow",
        "nan": 'states nan as target "quality", no finite number',
        "word": "states 'good' as target \"quality\", no finite number",
    }
    assert all(row.state == "failed" for row in found.rows if row.reason)


def test_memory_is_what_one_run_takes_and_has_a_limit(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    file = algorithm('call = "sorts.py:Held"\n[hyperparameters.megabytes]\nvalues = [1, 50, 3000]\n[targets.taken]\n')
    found = lpbench.sweep(file, tmp_path / "rows", runs=1, memory=1000)
    assert [row.state for row in found.rows] == ["OK", "OK", "failed"]
    assert found.rows[2].reason == "needs more than 1000 MB of memory"
    assert found.rows[1].value("taken") == 50e6
    if os.access("/proc/self/clear_refs", os.W_OK):
        assert [row.value("memory") for row in found.rows[:2]] == [pytest.approx(mb, abs=5) for mb in (1, 50)]


def test_a_command_gets_its_values_and_states_targets_in_its_last_line(
    algorithm: Callable[..., Path], tmp_path: Path
) -> None:
    work = "print('working', flush=True); held = b'1' * 10**7; time.sleep(0.2)"
    said = "print(json.dumps({'total': int(sys.argv[1]) + int(sys.argv[2])}))"
    code = f"import sys, json, time; {work}; {said}"
    head = f"command = [{json.dumps(sys.executable)}, '-c', {json.dumps(code)}, '{{first}}', '{{instance}}']"
    file = algorithm(f"{head}\ninstances = 2\n[hyperparameters.first]\nvalues = [5, 7]\n[targets.total]\n")
    found = lpbench.sweep(file, tmp_path / "rows", runs=1)
    assert [row.value("total") for row in found.rows] == [5.5, 7.5]
    if sys.platform == "linux":
        assert all(row.value("memory") > 13 for row in found.rows), "a Python takes some megabytes beside these ten"  # type: ignore[operator] # it was measured


def test_a_command_that_fails_says_how(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    file = algorithm('command = ["false", "{x}"]\n[hyperparameters.x]\nvalues = [1]\n')
    (row,) = lpbench.sweep(file, tmp_path / "rows", runs=1).rows
    assert row.reason == "false: exit status 1"
    file = algorithm('command = ["no-such-program", "{x}"]\n[hyperparameters.x]\nvalues = [1]\n')
    (row,) = lpbench.sweep(file, tmp_path / "other", runs=1).rows
    assert "no-such-program: cannot be started" in row.reason


def test_a_sweep_that_was_ended_goes_on_and_measures_nothing_twice(
    algorithm: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    true = _algorithm_measure.measure

    def measure(algorithm: object, entries: object, *rest: object) -> object:
        if asked:
            raise KeyboardInterrupt
        asked.extend(each.words for each in entries)  # type: ignore[attr-defined] # entries of the queue
        return true(algorithm, entries, *rest)  # type: ignore[arg-type] # what the sweep handed over

    monkeypatch.setattr("lpbench.jobs.sweep._algorithm_sweep.measure", measure)
    wanted = {"values": {"kind": ["good", "better"]}, "runs": 1, "block": 3}
    with pytest.raises(KeyboardInterrupt):
        lpbench.sweep(algorithm(), tmp_path / "rows", **wanted)  # type: ignore[arg-type] # keywords of several types
    begun = lpbench.load_sweep(tmp_path / "rows")
    assert [row.state for row in begun.rows] == ["OK", "OK", "OK", "waiting"]
    monkeypatch.undo()
    done = lpbench.sweep(None, tmp_path / "rows")
    assert done.complete
    assert done.rows[:3] == begun.rows[:3]


def test_a_sweep_does_not_go_on_with_another_program(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    file = algorithm()
    one = {"values": {"kind": ["good"], "size": [10]}, "runs": 1}
    lpbench.sweep(file, tmp_path / "rows", **one)  # type: ignore[arg-type] # keywords of several types
    lpbench.sweep(file, tmp_path / "rows", retry=True, **one)  # type: ignore[arg-type] # likewise
    with pytest.raises(ResultError, match="holds a sweep with other runs"):
        lpbench.sweep(file, tmp_path / "rows", values=one["values"], runs=2)  # type: ignore[arg-type] # likewise
    broken = {"values": {"kind": ["raise"], "size": [10]}, "runs": 1}
    lpbench.sweep(file, tmp_path / "failed", **broken)  # type: ignore[arg-type] # likewise
    (tmp_path / "sorts.py").write_text("def sort(size, kind): return 1.0", "utf-8")
    with pytest.raises(ResultError, match="sorts changed since the sweep began"):
        lpbench.sweep(file, tmp_path / "failed", retry=True, **broken)  # type: ignore[arg-type] # likewise
    with pytest.raises(ResultError, match="sorts changed since the sweep began"):
        lpbench.sweep(file, tmp_path / "rows", **one)  # type: ignore[arg-type] # likewise
    assert [row.state for row in lpbench.load_sweep(tmp_path / "failed").rows] == ["failed"]


def test_values_are_a_product_or_a_latin_hypercube(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    from lpbench.jobs.sweep import outlined, plan_of

    wide = 'call = "sorts.py:sort"\n[hyperparameters.bits]\nlower = 4\nupper = 53\n'
    wide += '[hyperparameters.share]\ntype = "float"\nlower = 0.0\nupper = 1.0\n'
    plan = plan_of(algorithm(wide), {"sample": 100})
    assert plan is not None
    rows = outlined(plan, tmp_path)[0].rows
    bits = [int(row.asked.values["bits"]) for row in rows]
    assert {count for value in set(bits) for count in [bits.count(value)]} == {2}
    assert set(bits) == set(range(4, 54))
    assert len({row.asked.values["share"] for row in rows}) == 100
    with pytest.raises(ConfigError, match=r"share.* reaches from 0.0 to 1.0"):
        lpbench.sweep(algorithm(wide), tmp_path / "rows")
    with pytest.raises(ConfigError, match="100000 configurations; a sweep measures at most"):
        lpbench.sweep(algorithm(wide), tmp_path / "rows", values={"share": [at / 2000 for at in range(2000)]})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_and_never_a_crash(tmp_path: Path, data: st.DataObject) -> None:
    text = bytearray(SORT.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    file = tmp_path / "sorts.toml"
    file.write_bytes(bytes(text))
    (tmp_path / "sorts.py").touch()
    with contextlib.suppress(LpbenchError):
        _algorithm.found(str(file))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("call = 'a.py:f'", "there are no hyper-parameters and no inputs"),
        ("call = 'a.py:f'\ncommand = ['x']\n[inputs.x]\nvalues = [1]", 'either "call" or "command"'),
        ("call = 'a.py'\n[inputs.x]\nvalues = [1]", "expected FILE.py:FUNCTION"),
        ("command = ['x', '{y}']\n[inputs.x]\nvalues = [1]", "no hyper-parameter and no input"),
        ("call = 'a.py:f'\n[inputs.x]\nlower = 5\nupper = 4", "from 5 to 4, which is no range"),
        ("call = 'a.py:f'\n[inputs.x]\nvalues = ['a']", "found 'a', no whole number"),
        ("call = 'a.py:f'\n[inputs.time]\nvalues = [1]", '"time" is the name of two columns'),
        ("call = 'a.py:f'\n[inputs.x_LOWER]\nvalues = [1]", "cannot be the name of a column"),
        ("call = 'a.py:f'\n[inputs.STATE]\nvalues = [1]", "cannot be the name of a column"),
        ("call = 'a.py:f'\n[inputs.x]\nvalue = [1]", 'unknown key "value"'),
        ("call = 'a.py:f'\ninputs = [1]", "no table of tables"),
        ("call = 'a.py:f'\n[inputs.x]\nvalues = [1]\n[targets.x]", '"x" is the name of two columns'),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_its_place(
    algorithm: Callable[..., Path], tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(LpbenchError, match=what) as error:
        lpbench.sweep(algorithm(text), tmp_path / "rows")
    assert "sorts.toml" in str(error.value) or "sorts.toml" in error.value.where


def test_a_program_that_is_not_there_is_named_before_anything_is_measured(
    algorithm: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"gone.py: no such file"):
        lpbench.sweep(algorithm('call = "gone.py:f"\n[inputs.x]\nvalues = [1]'), tmp_path / "rows")
    with pytest.raises(ResultError, match="holds no sweep"):
        lpbench.load_sweep(tmp_path / "rows")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"values": {"knd": ["good"]}}, 'sorts has no "knd"'),
        ({"values": {"size": [30]}}, "none of 10, 20"),
        ({"values": {"size": [10, 10]}}, "10 twice"),
        ({"threads": [1, 2]}, "threads is for apps"),
        ({"engines": ["ncnn"], "quality": True}, "engines, quality is for apps"),
        ({"memory": 1.0}, "memory: found 1"),
        ({"values": {"size": range(10**30)}}, "values.size has more than 100000 values"),
    ],
)
def test_what_an_algorithm_does_not_take_is_refused(
    algorithm: Callable[..., Path], tmp_path: Path, given: dict[str, object], what: str
) -> None:
    with pytest.raises(ConfigError, match=what):
        lpbench.sweep(algorithm(), tmp_path / "rows", **given)  # type: ignore[arg-type] # keywords of several types


def test_an_algorithm_is_swept_alone_and_apps_have_no_values(
    algorithm: Callable[..., Path], fake_app: Callable[..., Path], tmp_path: Path
) -> None:
    app = fake_app()
    with pytest.raises(ConfigError, match="swept alone"):
        lpbench.sweep([algorithm(), app], tmp_path / "rows")
    with pytest.raises(ConfigError, match="values is for algorithms"):
        lpbench.sweep(app, tmp_path / "rows", values={"x": [1]})


def test_what_was_measured_can_be_chosen_from_and_is_published(
    algorithm: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lpbench.cli import main

    kinds = "kind=good,better,raise"
    asked = ["sweep", str(algorithm()), "-o", str(tmp_path / "rows"), "--values", kinds, "--runs", "3"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert "6 configurations: 4 measured, 2 failed" in shown
    assert "quality %" in shown
    chosen = lpbench.choose(tmp_path / "rows", best="quality", max={"size": 10})
    assert str(chosen.best) == "highest quality"
    assert chosen.choice is not None
    assert chosen.choice.value("size") == 10
    done = lpbench.export(tmp_path / "rows", tmp_path / "pairs", algorithm="sorts", platform="pc")
    assert done.rows == 4
    written = json.loads(done.descriptor.read_text("utf-8"))
    assert [each["ID"] for each in written["inputs"]] == ["size"]
    assert [each["ID"] for each in written["targets"]] == ["time", "memory", "quality"]
    again = lpbench.import_dataset(tmp_path / "pairs", tmp_path / "again")
    assert again.faults.in_short() == "no faults"
    for file in (done.descriptor, done.dataset):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_the_rows_are_read_as_text_csv_and_pages(
    algorithm: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lpbench.cli import main

    lpbench.sweep(algorithm(), tmp_path / "rows", values={"kind": ["good"]}, runs=1)
    for form in ("csv", "markdown", "html", "json"):
        assert main(["show", str(tmp_path / "rows"), f"--{form}"]) == 0
        assert "good" in capsys.readouterr().out
    assert main(["show", str(tmp_path / "rows"), "--filter", "size=20", "--sort", "time"]) == 0
    assert "1 configuration" in capsys.readouterr().out
    with pytest.raises(ResultError, match='no column "sise"'):
        lpbench.load_sweep(tmp_path / "rows").where(sise=1)


def test_the_example_of_the_guide_is_swept(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "how-to" / "sweep-an-algorithm.md").read_text("utf-8")
    for language, name in (("toml", "sorting.toml"), ("python", "sorting.py")):
        (tmp_path / name).write_text(guide.partition(f"```{language}\n")[2].partition("```")[0], "utf-8")
    values = {"run": [8, 32], "size": 1000}
    found = lpbench.sweep(tmp_path / "sorting.toml", tmp_path / "few", values=values, runs=1)
    assert [row.value("comparisons") for row in found.rows] == [7000.0, 5000.0]
    assert {row.asked.app for row in found.rows} == {"sorting"}


def test_rows_become_a_data_frame(algorithm: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="needs pandas")
    found = lpbench.sweep(algorithm(), tmp_path / "rows", values={"kind": ["good"]}, runs=1)
    frame = found.to_pandas()
    assert list(frame["size"]) == [10, 20]
    assert list(frame["quality"]) == [11.0, 21.0]
