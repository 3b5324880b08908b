"""``lpbench.optimise``: a sweep, a choice, and the reason of every rejection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError
from lpbench.jobs.optimising import Request, Subject, default_folder
from lpbench.jobs.sweep import _sweep
from lpbench.results.choosing import Cause

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENGINES = ("fake:extra_us=30", "fake:extra_us=10", "fake:extra_us=20", "absent")
AXES: dict[str, Any] = {"engines": ENGINES, "threads": 1, "precisions": "F32"}


def optimised(app: Path, folder: Path, **question: Any) -> Any:
    """Return the best of three engines that take 11, 21 and 31 ms, of which one is not there."""
    return lpbench.optimise(app, output=folder, **{**AXES, **question})


def test_every_configuration_but_the_choice_has_its_reason(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path
) -> None:
    found = optimised(fake_app(), tmp_path / "rows", max={"LATENCY": 25}, best="LATENCY")
    assert ledger.measured()
    assert found.configuration.startswith("fake:extra_us=10")
    called = [found.sweep.rows[each.candidate.row].called for each in found.rejections]
    engines = [re.sub(r":(threads|precision)=\w+", "", name) for name in called]
    causes = dict(zip(engines, found.rejections, strict=True))
    assert {name: each.cause for name, each in causes.items()} == {
        "fake:extra_us=30": Cause.VIOLATES,
        "fake:extra_us=20": Cause.WORSE,
        "absent": Cause.NOT_MEASURED,
    }
    assert [str(each) for each in causes["fake:extra_us=30"].conditions] == ["LATENCY at most 25 ms"]
    assert "not installed" in causes["absent"].reason
    document = found.to_dict()
    assert document["configuration"] == found.configuration
    assert [each["cause"] for each in document["rejections"]] == [each.cause.value for each in found.rejections]
    shown = str(found)
    assert "fake:extra_us=30:threads=1: LATENCY at most 25 ms: 31.0" in shown
    assert "the best has 11" in shown
    assert "absent:precision=F32: impossible: " in shown


def test_another_question_is_answered_from_what_is_measured(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path
) -> None:
    app = fake_app()
    optimised(app, tmp_path / "rows", best="LATENCY")
    before = ledger.measured()
    found = optimised(app, tmp_path / "rows", min={"LATENCY": 15}, best="LATENCY")
    assert found.configuration.startswith("fake:extra_us=20")
    assert ledger.measured() == before
    (app / "model.fake").write_text('{"work_us": 1}', encoding="ascii")
    with pytest.raises(LpbenchError, match="changed since"):
        optimised(app, tmp_path / "rows", best="LATENCY")


def test_what_was_interrupted_goes_on_with_the_same_call(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = fake_app()
    axes = {"engines": tuple(f"fake:extra_us={us}" for us in range(10, 16)), "best": "LATENCY"}

    def measure(*given: Any) -> Any:
        if ledger.measured():
            raise KeyboardInterrupt
        return ledger(*given)

    monkeypatch.setattr(_sweep, "measure", measure)
    with pytest.raises(KeyboardInterrupt):
        optimised(app, tmp_path / "rows", **axes)
    monkeypatch.setattr(_sweep, "measure", ledger)
    found = optimised(app, tmp_path / "rows", **axes)
    assert found.configuration.startswith("fake:extra_us=10")
    assert len(ledger.measured()) == len(set(ledger.measured())) == 6


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"best": "LATENCI"}, '^there is no column "LATENCI".*LATENCY'),
        ({"best": "ENGINE"}, "ENGINE has words"),
        ({"best": "LATENCY", "max": {"LATENCY": "fast"}}, "LATENCY: found 'fast'; expected a finite number in ms"),
        ({"best": "LATENCY", "max": {"STORAGE": 1}, "min": {"STORAGE": 2}}, "no value can be both"),
        ({"best": "LATENCY", "equal": {"ENGIN": "x"}}, '"ENGIN".*ENGINE'),
        ({"best": "LATENCY", "equal": {"ENGINE": "Phony"}}, 'do not call the engine "phony".*"fake"'),
        ({"best": "LATENCY", "equal": {"engine": "fakee"}}, 'unknown engine "fakee".*fake'),
        ({"best": "QUALITY_VALUE"}, "has no labelled samples"),
        ({"best": "LATENCY", "min": {"quality_value": 70}}, "has no labelled samples"),
    ],
)
def test_a_question_that_no_sweep_answers_is_refused_before_anything_is_measured(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, question: dict[str, Any], says: str
) -> None:
    with pytest.raises(LpbenchError, match=says.replace(".*", r"(.|\n)*")):
        optimised(fake_app(), tmp_path / "rows", **question)
    assert not ledger.measured()
    assert not (tmp_path / "rows").exists()


def test_resources_are_watched_where_the_question_is_on_one(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    def plan(best: str) -> Any:
        return Subject.of(fake_app(best), Request(best, {}, {}, {}), {}, tmp_path).plan

    assert plan("POWER_CONSUMPTION").resources
    assert not plan("CPU_MEM_PEAK").resources


def test_a_value_that_nobody_measured_chooses_nothing_and_says_why(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path
) -> None:
    found = optimised(fake_app(), tmp_path / "rows", best="POWER_CONSUMPTION", max={"POWER_CONSUMPTION": 5})
    assert ledger.measured()
    assert found.configuration == ""
    measured = [each for each in found.rejections if each.cause is not Cause.NOT_MEASURED]
    assert {each.cause for each in measured} == {Cause.UNKNOWN}
    assert "POWER_CONSUMPTION not known" in str(found)


def test_rows_lie_beside_the_results_under_the_name_of_the_app(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_folder("a/b: c") == tmp_path / "data" / "lpbench" / "optimised" / "a-b-c"
    subject = Subject.of(fake_app(), Request("LATENCY", {}, {}, {}), {}, None)
    assert subject.folder == default_folder("numbers")
    watched = Subject.of(subject.app.root, Request("POWER_CONSUMPTION", {}, {}, {}), {}, None)
    assert watched.folder == default_folder("numbers-watched")
    assert subject.plan.threads[0] == 1
    assert subject.plan.precisions == ("F32", "F16", "S8")
