"""What a plan takes, and what contradicts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import LpbenchError
from lpbench.jobs.sweep import SweepPlan, plan_of

if TYPE_CHECKING:
    from pathlib import Path


def plan(**given: Any) -> SweepPlan:
    return SweepPlan.of({"apps": ["app"], **given})


def test_one_value_is_an_axis_of_one() -> None:
    assert plan(threads=2, engines="fake") == plan(threads=[2], engines=["fake"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"threads": [0]}, "threads: found 0"),
        ({"threads": []}, "threads has no entry"),
        ({"threads": [1, 1]}, "threads has 1 twice"),
        ({"threads": ["two"]}, "threads"),
        ({"precisions": ["F33"]}, "F33"),
        ({"tiles": ["96"]}, "96"),
        ({"tiles": ["0x96"]}, "0x96"),
        ({"engines": ["all", "fake"]}, "named alone"),
        ({"engines": ["fake:threads=2"], "threads": [1, 2]}, "by threads"),
        ({"engines": ["fake:precision=F16"], "precisions": ["F32"]}, "by precisions"),
        ({"engines": ["fake@env:old"]}, "other environments are for run and compare --live"),
        ({"reference": "fake@old"}, "other environments are for run and compare --live"),
        ({"engines": ["fake:app=other"]}, "app= is for run and compare --live"),
        ({"sample": 0}, "sample: found 0"),
        ({"threads": list(range(1, 200)), "batches": list(range(1, 200))}, "at most"),
        ({"speed": 3}, "speed"),
        ({"timeout": -1.0}, "timeout"),
    ],
)
def test_a_contradiction_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(LpbenchError) as caught:
        plan(**given)
    assert words in str(caught.value)


def test_a_file_says_what_arguments_say(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    file = tmp_path / "plan.toml"
    file.write_text(
        'apps = ["app", "imagenet-x"]\nengines = "fake"\nthreads = [1, 2]\nquality = true\n', encoding="utf-8"
    )
    arguments = {"engines": "fake", "threads": [1, 2], "quality": True}
    assert plan_of(file, {}) == plan_of([tmp_path / "app", "imagenet-x"], arguments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apps = [", "no TOML"),
        ("apps = 3", "apps"),
        ('apps = ["a"]\nthread = [1]', 'did you mean "threads"'),
        ("\xff", "no TOML"),
        ('apps = ["a"]\nthreads = [1, 1]', "threads has 1 twice"),
        ('apps = ["a"]\nmax_time = -1.0', "max_time"),
        ('apps = ["a"]\nengines = ["fake:threads=2"]\nthreads = [1, 2]', "fake:threads=2"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(LpbenchError) as caught:
        plan_of(file, {})
    assert "plan.toml" in str(caught.value)
    assert words in str(caught.value)


def test_a_sweep_means_the_same_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("app", "samples"):
        (tmp_path / "plans" / name).mkdir(parents=True)
    (tmp_path / "plans" / "plan.toml").write_text('apps = ["app"]\ndata = "samples"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    from_above = plan_of("plans/plan.toml", {})
    monkeypatch.chdir(tmp_path / "plans")
    assert plan_of("plan.toml", {}) == plan_of("app", {"data": "samples"}) == from_above
    monkeypatch.chdir(tmp_path / "plans" / "app")
    assert plan_of("../plan.toml", {}) == from_above


def test_a_plan_file_stands_alone(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    wrong: list[tuple[Any, dict[str, Any]]] = [([file, "app"], {}), (file, {"threads": 1}), (None, {"seed": 1})]
    for apps, given in wrong:
        with pytest.raises(LpbenchError):
            plan_of(apps, given)
