"""Quality metrics against slow, obvious references, and quality judged with the session that is timed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="needs hypothesis")
from hypothesis import given  # noqa: E402 - after the skip
from hypothesis import strategies as st  # noqa: E402

from lpbench.app.quality_gate import gate  # noqa: E402
from lpbench.cli import main  # noqa: E402
from lpbench.errors import LpbenchError  # noqa: E402
from lpbench.jobs.measuring.session import benchmark  # noqa: E402
from lpbench.plugin import registry  # noqa: E402
from lpbench.plugin.builtin import quality_metrics as metrics  # noqa: E402
from lpbench.results.quality import failed_metrics, found_by_metrics  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.quality import QualityMetric

PAIRS = st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])), max_size=20)
WORD = st.text("ab", max_size=8)


def _over(metric: QualityMetric, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> Any:
    for described, truth in pairs:
        metric.add(described, truth)
    return metric.result()


def _top(*labels: str) -> dict[str, Any]:
    return {"top": [{"label": label, "score": 1 / (at + 2)} for at, label in enumerate(labels)]}


def test_top1_and_top5_count_the_right_label_and_say_how_sure_that_is() -> None:
    pairs = [(_top("a", "b"), {"label": "a"}), (_top("b", "a"), {"label": "a"}), (_top(*"bcdef", "a"), {"label": "a"})]
    one, five = _over(metrics.Top1([]), pairs), _over(metrics.Top5([]), pairs)
    assert (one.value, five.value) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert one.n == 3
    assert one.parts == {"a": pytest.approx(1 / 3)}
    assert list(one.interval or ()) == [pytest.approx(0.0615, abs=1e-4), pytest.approx(0.7923, abs=1e-4)]


def test_wilsons_interval_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs scipy")
    for right, n in ((0, 5), (5, 5), (17, 40), (499, 500)):
        ends = stats.binomtest(right, n).proportion_ci(method="wilson")
        assert list(metrics.wilson(right, n) or ()) == pytest.approx([ends.low, ends.high], abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=15))
def test_f1_is_the_mean_of_harmonic_means(pairs: list[tuple[str, str]]) -> None:
    found = _over(metrics.MacroF1([]), [(_top(said), {"label": true}) for true, said in pairs])
    scores = []
    for label in {true for true, _ in pairs}:
        hits = sum(true == said == label for true, said in pairs)
        precision = hits / max(1, sum(said == label for _, said in pairs))
        recall = hits / sum(true == label for true, _ in pairs)
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    assert found.value == pytest.approx(sum(scores) / len(scores))


@given(PAIRS)
def test_the_area_under_the_curve_is_the_chance_of_the_right_order(pairs: list[tuple[int, float]]) -> None:
    found = _over(metrics.Auc([]), [({"items": [{"score": score}]}, {"value": true}) for true, score in pairs])
    good = [score for true, score in pairs if true]
    bad = [score for true, score in pairs if not true]
    if not good or not bad:
        assert found.value is None
        return
    wins = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    assert found.value == pytest.approx(wins / len(good) / len(bad))


@given(PAIRS)
def test_average_precision_is_the_area_of_steps(pairs: list[tuple[int, float]]) -> None:
    found = _over(metrics.AveragePrecision([]), [({"score": score}, {"value": true}) for true, score in pairs])
    good = [score for true, score in pairs if true]
    if not good or len(good) == len(pairs):
        assert found.value is None
        return
    area, before = 0.0, 0.0
    for threshold in sorted({score for _, score in pairs}, reverse=True):
        kept = [true for true, score in pairs if score >= threshold]
        recall = sum(kept) / len(good)
        area += (recall - before) * sum(kept) / len(kept)
        before = recall
    assert found.value == pytest.approx(area)


def test_nothing_found_has_the_score_zero() -> None:
    assert metrics.score_of({"items": []}) == 0


@given(WORD, WORD)
def test_edits_are_those_of_the_recursive_definition(first: str, second: str) -> None:
    def slow(one: str, other: str) -> int:
        if not one or not other:
            return len(one) + len(other)
        same = one[0] == other[0]
        return min(slow(one[1:], other) + 1, slow(one, other[1:]) + 1, slow(one[1:], other[1:]) + (not same))

    if len(first) + len(second) <= 9:
        assert metrics.edits(first, second) == slow(first, second)
    assert metrics.edits(first, second) == metrics.edits(second, first)


def test_the_error_rate_reads_the_lines_of_a_chain() -> None:
    read = {"items": [], "lines": [{"item": 0, "text": "one "}, {"item": 1, "text": "twa"}]}
    found = _over(metrics.CharacterErrorRate([]), [(read, {"text": ["one", "two"]})])
    assert found.value == pytest.approx(1 / 7)


@pytest.mark.timeout(20)
def test_a_text_that_would_take_hours_to_compare_is_refused() -> None:
    """A megabyte of truth, and as much that was read."""
    with pytest.raises(LpbenchError, match="1000000 characters; at most"):
        metrics.CharacterErrorRate([]).add({"text": "y" * 1_000_000}, {"text": "x" * 1_000_000})


def test_errors_of_values() -> None:
    pairs = [({"age": 30}, {"value": 33.0}), ({"value": 5}, {"value": 4.0})]
    assert _over(metrics.MeanAbsoluteError([]), pairs).value == 2
    assert _over(metrics.MeanSquaredError([]), pairs).value == 5


@pytest.mark.parametrize("metric", [metrics.MeanAbsoluteError, metrics.MeanSquaredError])
def test_a_value_too_far_from_the_true_one_is_refused(metric: Callable[..., QualityMetric]) -> None:
    """Its square, and the sum of many, would be no number any more."""
    with pytest.raises(LpbenchError, match=r"the app's value 1e\+308 is too far from the true one, -1"):
        metric([]).add({"value": 1e308}, {"value": -1.0})


@pytest.mark.parametrize("name", ["Top1", "MacroF1", "Auc", "MeanAbsoluteError", "CharacterErrorRate"])
def test_a_metric_refuses_what_it_does_not_judge(name: str) -> None:
    with pytest.raises(LpbenchError):
        getattr(metrics, name)([]).add({"embedding": []}, {"points": []})
    assert getattr(metrics, name)([]).result().value is None


def test_the_gate_is_a_share_of_the_reference_and_turns_round_for_errors() -> None:
    asked = {"metric": "top1", "reference": 0.8, "at_least_of_reference": 0.99}
    assert gate(asked, {"metric": "top1", "value": 0.792})["passes"]
    assert not gate(asked, {"metric": "top1", "value": 0.791})["passes"]
    error = {"metric": "cer", "reference": 0.1, "at_least_of_reference": 0.5}
    assert gate(error, {"metric": "cer", "value": 0.2})["passes"]
    assert not gate(error, {"metric": "cer", "value": 0.21})["passes"]
    assert gate(asked, {"metric": "cer", "value": 0.2}) == {}


@pytest.fixture
def labelled(fake_app: Callable[..., Path]) -> Path:
    """Return an app whose answers are always even, and two of three labels that say so."""
    app = fake_app()
    config = json.loads((app / "ai_app_config.json").read_text())
    config["quality"] = {"metric": "top1", "reference": 0.9, "at_least_of_reference": 0.7}
    (app / "ai_app_config.json").write_text(json.dumps(config))
    (app / "labelled").mkdir()
    for at, label in enumerate(("even", "even", "odd")):
        (app / "labelled" / label).mkdir(exist_ok=True)
        (app / "labelled" / label / f"{at}.txt").write_text(str(at))
    return app


def test_quality_is_judged_and_held_against_the_gate(labelled: Path) -> None:
    (found,) = benchmark(labelled, number=6, quality=True, yardstick=False).configurations
    assert found.quality["value"] == pytest.approx(2 / 3)
    assert found.quality["n"] == 3
    assert found.quality["gate"] == {"reference": 0.9, "limit": pytest.approx(0.63), "passes": True}
    metric = found.metrics["QUALITY_VALUE"]
    assert metric.value == pytest.approx(2 / 3)
    assert metric.interval is not None
    assert metric.source == "top1"


def test_a_metric_that_cannot_judge_the_data_has_the_reason_and_the_others_their_values(labelled: Path) -> None:
    """Values are asked of data that say labels; it fails the command only where it leads."""
    for names in (["top1", "mae"], ["mae", "top1"]):
        (found,) = benchmark(labelled, number=6, quality=names, yardstick=False).configurations
        by_name = {each["metric"]: each for each in found_by_metrics(found)}
        assert list(by_name) == names
        assert by_name["top1"]["value"] == pytest.approx(2 / 3)
        silent = by_name["mae"]
        assert (silent["value"], silent["reason"], silent["code"]) == (None, "the data have no value", "mismatch")
        assert found.measured
        assert [each["metric"] for each in failed_metrics(found)] == (["mae"] if names[0] == "mae" else [])


BROKEN = """
import lpbench
from lpbench.plugin.quality import Quality, QualityMetric


@lpbench.hookimpl
def lpbench_register_metrics(register):
    for name in ("function", "Missing", "Abstract", "Adding", "Wrong", "NotANumber", "Silent", "Quits"):
        register(lpbench.MetricSpec(f"bad-{name.lower()}", f"broken:{name}"))


def function(described, truth):
    return 1.0


class Abstract(QualityMetric):
    pass


class Good(QualityMetric):
    def add(self, described, truth):
        pass

    def result(self):
        return Quality(1.0, 1)


class Adding(Good):
    def add(self, described, truth):
        return described["no such key"]


class Wrong(Good):
    def result(self):
        return 1.0


class NotANumber(Good):
    def result(self):
        return Quality(float("nan"), 1)


class Silent(Good):
    def result(self):
        return Quality(None, 1)


class Quits(Good):
    def add(self, described, truth):
        raise SystemExit(3)
"""
FAULTS = {
    "bad-function": "bad-function: broken:function is a function; expected a subclass of lpbench.plugin.quality",
    "bad-missing": "cannot load broken:Missing",
    "bad-abstract": "TypeError: Can't instantiate abstract class Abstract",
    "bad-adding": "KeyError: 'no such key' (broken.py:30)",
    "bad-wrong": "result() returned float; expected Quality",
    "bad-notanumber": "result() returned the value nan; expected a finite number",
    "bad-silent": "result() returned neither a value nor a reason",
    "bad-quits": "SystemExit: 3 (broken.py:",
}


@pytest.fixture
def broken(labelled: Path, install: Callable[..., Path], site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a plugin whose metrics are broken, for workers too; return the app."""
    install("broken", BROKEN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    registry.refresh()
    return labelled


def test_each_metric_that_fails_names_itself_and_its_plugin_and_leaves_the_others_alone(broken: Path) -> None:
    """A function, a class that is not there, errors at every step, values that are none."""
    names = [*FAULTS, "top1"]
    (found,) = benchmark(broken, number=6, quality=names, yardstick=False).configurations
    by_name = {each["metric"]: each for each in found_by_metrics(found)}
    assert list(by_name) == names
    assert by_name.pop("top1")["value"] == pytest.approx(2 / 3)
    for name, fault in FAULTS.items():
        failed = by_name[name]
        assert (failed["value"], failed["code"]) == (None, "failed")
        assert failed["reason"].startswith(f'metric "{name}" of plugin "broken" (lpbench-broken 1.0) failed: ')
        assert fault in failed["reason"]
    assert found.metrics["QUALITY_VALUE"].code == "failed"
    assert found.measured


def test_the_command_shows_the_reason_and_ends_with_status_1(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--number", "6", "--no-yardstick"]
    assert main(["run", str(broken), *few, "--quality", "top1,bad-adding"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "top1 0.667" in shown
    assert 'no bad-adding: metric "bad-adding" of plugin "broken" (lpbench-broken 1.0) failed: KeyError' in shown
    assert main(["run", str(broken), *few, "--quality", "top1,mae"]) == 0
    assert main(["run", str(broken), *few, "--quality", "mae"]) == 1
    assert main(["run", str(broken), *few, "--quality", "top1"]) == 0


def test_a_file_that_cannot_be_read_is_left_out_and_named(labelled: Path) -> None:
    (labelled / "labelled" / "even" / "bad.txt").write_text("no number")
    (found,) = benchmark(labelled, number=6, quality="top5", yardstick=False).configurations
    assert found.quality["metric"] == "top5"
    assert found.quality["n"] == 3
    assert "no whole number" in found.quality["problems"]["bad.txt"]


def test_quality_without_labelled_data_says_how(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(LpbenchError, match=r"has no labelled samples\n.*data="):
        benchmark(fake_app(), quality=True)


def test_a_metric_that_is_not_there_is_named(labelled: Path) -> None:
    with pytest.raises(LpbenchError, match=r'"topp1"(.|\n)*"top1"'):
        benchmark(labelled, quality="topp1")
