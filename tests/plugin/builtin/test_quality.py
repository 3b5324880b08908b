"""Quality metrics against slow, obvious references, and quality judged with the session that is timed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="needs hypothesis")
from hypothesis import given  # noqa: E402 - after the skip
from hypothesis import strategies as st  # noqa: E402

from lpbench.app.quality_gate import gate  # noqa: E402
from lpbench.errors import LpbenchError  # noqa: E402
from lpbench.jobs.measuring.session import benchmark  # noqa: E402
from lpbench.plugin.builtin import quality_metrics as metrics  # noqa: E402

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


def test_errors_of_values() -> None:
    pairs = [({"age": 30}, {"value": 33.0}), ({"value": 5}, {"value": 4.0})]
    assert _over(metrics.MeanAbsoluteError([]), pairs).value == 2
    assert _over(metrics.MeanSquaredError([]), pairs).value == 5


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


def test_a_metric_that_cannot_judge_the_data_leads_nowhere_and_follows_without_a_value(labelled: Path) -> None:
    """Values are asked of data that say labels: an error where that matters first, else the reason."""
    (found,) = benchmark(labelled, number=6, quality=["top1", "mae"], yardstick=False).configurations
    assert found.quality["value"] == pytest.approx(2 / 3)
    (other,) = found.quality["more"]
    assert (other["metric"], other["value"], other["reason"]) == ("mae", None, "the data have no value")
    (found,) = benchmark(labelled, number=6, quality="mae", yardstick=False).configurations
    assert "the data have no value" in found.state


def test_a_file_that_cannot_be_read_is_left_out_and_named(labelled: Path) -> None:
    (labelled / "labelled" / "even" / "bad.txt").write_text("no number")
    (found,) = benchmark(labelled, number=6, quality="top5", yardstick=False).configurations
    assert found.quality["metric"] == "top5"
    assert found.quality["n"] == 3
    assert "no whole number" in found.quality["problems"]["bad.txt"]


def test_quality_without_labelled_data_says_how(fake_app: Callable[..., Path]) -> None:
    with pytest.raises(LpbenchError, match=r"has no labelled samples\n.*--data"):
        benchmark(fake_app(), quality=True)


def test_a_metric_that_is_not_there_is_named(labelled: Path) -> None:
    with pytest.raises(LpbenchError, match=r'"topp1"(.|\n)*"top1"'):
        benchmark(labelled, quality="topp1")
