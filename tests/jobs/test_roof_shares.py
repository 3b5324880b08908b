"""Shares of the roof, on roofs, analyses and results that tests state."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.render.test_render import make_configuration, make_result

from lpbench.cli import main
from lpbench.errors import ResultError
from lpbench.jobs.analysis import AnalysisReport, ModelAnalysis
from lpbench.jobs.roofline import RooflineShares, RoofShare, Work, roof_shares
from lpbench.jobs.roofline._match import match
from lpbench.jobs.roofline._of_result import roof_of
from lpbench.jobs.roofline._share import share_of, shares
from lpbench.machine import environment, roof_cache
from lpbench.machine.roofline import Ceiling, Roof, ThreadRoof
from lpbench.plugin.analyzer import Analysis, LayerCost
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit.layer_kinds import ARRANGEMENT, CONVOLUTION, ELEMENT_WISE, GEMM, POOLING, RELU
from lpbench.results.profile import KindTime, LayerProfile, LayerRecord
from lpbench.results.run import Metric
from lpbench.results.stats import Interval
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.results.model import Configuration

POSITIVE = st.floats(1e-3, 1e9)
ROOF = ThreadRoof(1, (0,), Ceiling((100.0,), 1), {"read": Ceiling((10.0,), 1)}, 1)
"""100 GFLOP/s and 10 GB/s: the ridge is at 10 FLOP/B."""
MEGA = 10**6


def cost(name: str, kind: str, flop: int = 0, moved: int = MEGA, weights: int = 0) -> LayerCost:
    """Return a layer that reads and writes the same number of bytes."""
    return LayerCost(name, kind, kind, flop, 0, weights, moved // 2, moved // 2)


COSTS = (
    cost("conv1", CONVOLUTION, 400 * MEGA),
    cost("relu1", RELU),
    cost("pool", POOLING),
    cost("fc", GEMM, 8 * MEGA, weights=3 * MEGA),
)
ANALYSIS = Analysis((TensorInfo("x", "float32", (1, 3, 224, 320)),), (), COSTS, 0, 0, None, "F32")
RECORDS = (
    LayerRecord("reorder", ARRANGEMENT, "Reorder", 1e6),
    LayerRecord("relu1_nchwc", CONVOLUTION, "Conv", 8e6),
    LayerRecord("pool", POOLING, "MaxPool", 0.5e6),
    LayerRecord("fc/WithoutBiases", GEMM, "FullyConnected", 1e6),
)
PROFILE = LayerProfile(
    runs=3,
    inference_ns=11e6,
    kinds=tuple(KindTime(record.kind, record.ns, None, 1) for record in RECORDS),
    layers=RECORDS,
)

REPORT = AnalysisReport("my-app", (ModelAnalysis("net", "onnx", "model.onnx", "", "onnx", ANALYSIS),))


def measured(time: Metric | None = None, **how: Any) -> Configuration:
    """Return a configuration with an inference of 10 ms, or as stated."""
    one = make_configuration()
    known = time or Metric(10.0, "ms", interval=Interval(8.0, 12.5, 0.95, "t"))
    return dataclasses.replace(one, metrics={**one.metrics, "INFERENCE_TIME": known}, **how)


def found(configuration: Configuration, analysis: Analysis = ANALYSIS, roof: ThreadRoof = ROOF) -> RooflineShares:
    """Return the shares of a configuration that has some."""
    answer = shares(configuration, analysis, roof, "fake")
    assert isinstance(answer, RooflineShares)
    return answer


def total(configuration: Configuration, analysis: Analysis = ANALYSIS) -> RoofShare:
    """Return the share of a whole inference."""
    answer = found(configuration, analysis).total
    assert isinstance(answer, RoofShare)
    return answer


@given(st.integers(1, 10**12), st.integers(1, 10**12), POSITIVE, POSITIVE, POSITIVE)
def test_the_share_is_the_achieved_rate_over_the_attainable_one(
    flop: int, moved: int, ns: float, peak: float, bandwidth: float
) -> None:
    """The textbook's formula, computed the other way round."""
    roof = dataclasses.replace(ROOF, product=Ceiling((peak,), 1), streams={"add": Ceiling((bandwidth,), 1)})
    share = share_of("work", Work(flop, moved), ns, roof)
    attainable = roof.attainable(flop / moved)
    assert share.share == pytest.approx(flop / ns / attainable)
    assert share.bound == ("compute" if attainable == peak else "memory")


def test_work_without_operations_has_the_share_of_the_bandwidth() -> None:
    share = share_of("concat", Work(0, 5 * MEGA), 1e6, ROOF)
    assert (share.gflops, share.gbs, share.share, share.bound) == (0, 5.0, 0.5, "memory")


def test_work_whose_bytes_are_not_known_has_no_share() -> None:
    share = share_of("odd", Work(5, None), 1e6, ROOF)
    assert (share.share, share.gbs, share.bound) == (None, None, "")


def test_an_inference_is_compared_by_its_time_and_its_interval() -> None:
    """408 MFLOP and 7 MB need 4.08 ms at 100 GFLOP/s; it took 10 ms, from 8 to 12.5."""
    share = total(measured())
    assert share.gflops == pytest.approx(40.8)
    assert share.share == pytest.approx(0.408)
    assert share.interval == pytest.approx((4.08 / 12.5, 4.08 / 8))
    assert share.bound == "compute"


def test_a_batch_is_as_many_inferences() -> None:
    inputs = [{"name": "x", "shape": ["N", 3, 224, 320]}]
    share = total(measured(configuration=EngineConfiguration("fake", batch=4), inputs=inputs))
    assert share.work.flop == 4 * 408 * MEGA
    fixed = total(measured(inputs=[{"name": "x", "shape": [2, 3, 224, 320]}]))
    assert fixed.work.flop == 2 * 408 * MEGA


def test_streams_are_compared_by_their_throughput() -> None:
    """Two streams of batches of 2, 200 samples a second: 10 ms a batch."""
    configuration = measured(
        configuration=EngineConfiguration("fake", streams=2, batch=2), inputs=[{"name": "x", "shape": [2, 3, 224, 320]}]
    )
    rates = Metric(200.0, "1/s", interval=Interval(100.0, 400.0, 0.95, "t"))
    configuration = dataclasses.replace(configuration, metrics={**configuration.metrics, "THROUGHPUT": rates})
    share = total(configuration)
    assert share.ns == pytest.approx(10e6)
    assert share.interval == pytest.approx((share.share / 2, share.share * 2) if share.share else None)
    assert any("throughput" in note for note in found(configuration).notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"facts": {"processor": "GPU"}}, "GPU"),
        ({"inputs": [{"name": "x", "shape": [1, 3, 96, 96]}]}, "x 1x3x96x96"),
        ({"inputs": [{"name": "other", "shape": [1, 3, 224, 320]}]}, "other"),
    ],
)
def test_what_the_roof_says_nothing_of_has_a_reason(change: dict[str, Any], words: str) -> None:
    answer = shares(measured(**change), ANALYSIS, ROOF)
    assert isinstance(answer, Unavailable)
    assert words in answer.reason


def test_an_inference_without_a_time_has_a_reason_and_its_layers_all_the_same() -> None:
    answer = found(measured(Metric(None, "ms", reason="shorter than the clock"), profile=(PROFILE,)))
    assert isinstance(answer.total, Unavailable)
    assert "shorter than the clock" in answer.total.reason
    assert answer.kinds


def test_kinds_and_layers_of_a_profile_have_shares_of_their_own_times() -> None:
    answer = found(measured(profile=(PROFILE,)))
    kinds = {share.name: share for share in answer.kinds}
    assert kinds[CONVOLUTION].gflops == pytest.approx(400 * MEGA / 8e6)
    assert kinds[CONVOLUTION].share == pytest.approx(0.5)  # the activation is part of its kernel
    assert kinds[POOLING].share == pytest.approx(0.2)
    assert kinds[GEMM].share == pytest.approx(0.4)
    assert kinds[GEMM].bound == "memory"
    assert [share.name for share in answer.layers] == ["relu1_nchwc", "pool", "fc/WithoutBiases"]
    assert answer.unmatched_times == ("reorder",)
    assert answer.unmatched_costs == ()
    assert "3 of the profile's 4 layers" in str(answer.sheet().notes)


def test_what_lies_between_fused_layers_is_not_moved() -> None:
    answer = found(measured(profile=(PROFILE,)))
    assert answer.layers[0].work == Work(400 * MEGA, MEGA, 2)


def test_without_a_profile_the_reason_names_the_option() -> None:
    answer = found(measured())
    assert answer.profile is not None
    assert "--profile" in answer.profile.hint
    refused = found(measured(profile=(LayerProfile(reason="built without counters"),)))
    assert "built without counters" in str(refused.sheet().notes)


def test_a_share_above_the_roof_is_shown_as_it_is_with_what_may_explain_it() -> None:
    answer = found(measured(Metric(1.0, "ms"), facts={"precision": "S8", "threads": 1}))
    assert isinstance(answer.total, RoofShare)
    assert answer.total.share == pytest.approx(4.08)
    text = "\n".join(answer.sheet().notes)
    assert "408 %" in answer.sheet().rows[0]
    assert "S8" in text
    assert "Winograd" in text


def test_a_doubtful_roof_and_operators_that_were_not_counted_are_said() -> None:
    odd = dataclasses.replace(ANALYSIS, layers=(*COSTS, dataclasses.replace(COSTS[2], type="Odd", flop=None)))
    doubtful = dataclasses.replace(ROOF, disturbances=("other processes used 60% of the CPU time",))
    text = "\n".join(found(measured(), odd, doubtful).notes)
    assert "60%" in text
    assert "1 Odd" in text


def test_shares_are_json_with_what_follows_from_them() -> None:
    document = json.loads(json.dumps(found(measured(profile=(PROFILE,))).to_dict()))
    assert document["total"]["share"] == pytest.approx(0.408)
    assert {kind["name"] for kind in document["kinds"]} == {CONVOLUTION, POOLING, GEMM}
    assert document["layers"][0]["work"]["layers"] == 2


# names


def test_layers_are_found_by_what_engines_make_of_their_names() -> None:
    """As ONNX Runtime and OpenVINO call them: after the last part, after the first, and with a list."""
    costs = [
        cost("a", CONVOLUTION),
        cost("a_relu", RELU),
        cost("b", CONVOLUTION),
        cost("add", ELEMENT_WISE),
        cost("c", CONVOLUTION),
        cost("d", POOLING),
    ]
    records = [
        LayerRecord(name, kind, kind, 1.0)
        for name, kind in (
            ("a_relu_nchwc", CONVOLUTION),
            ("b/WithoutBiases", CONVOLUTION),
            ("c, d", CONVOLUTION),
            ("reorder", ARRANGEMENT),
        )
    ]
    found = match(records, costs)
    assert [[each.name for each in group.costs] for group in found.groups] == [
        ["a", "a_relu"],
        ["b", "add"],
        ["c", "d"],
    ]
    assert [record.name for record in found.records] == ["reorder"]
    assert (found.costs, found.by_order) == ((), 0)


def test_convolutions_with_other_names_are_paired_in_order_if_there_are_as_many() -> None:
    costs = [cost("a", CONVOLUTION), cost("a_relu", RELU), cost("b", CONVOLUTION)]
    same = match([LayerRecord(f"node_{at}", CONVOLUTION, "Conv", 1.0) for at in range(2)], costs)
    assert [[each.name for each in group.costs] for group in same.groups] == [["a", "a_relu"], ["b"]]
    assert same.by_order == 2
    fewer = match([LayerRecord("node_0", CONVOLUTION, "Conv", 1.0)], costs)
    assert fewer.groups == ()
    assert len(fewer.costs) == 3


def test_an_activation_that_has_a_time_of_its_own_is_not_taken_for_a_fused_one() -> None:
    costs = [cost("a", CONVOLUTION), cost("x", RELU)]
    found = match([LayerRecord("a", CONVOLUTION, "Conv", 1.0), LayerRecord("y", RELU, "Relu", 1.0)], costs)
    assert [len(group.costs) for group in found.groups] == [1]
    assert [each.name for each in found.costs] == ["x"]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([CONVOLUTION, RELU, GEMM, POOLING])), max_size=8),
    st.lists(st.tuples(st.sampled_from("abcdxy"), st.sampled_from([CONVOLUTION, RELU, GEMM, POOLING])), max_size=8),
)
def test_each_layer_counts_once(of_model: list[tuple[str, str]], of_profile: list[tuple[str, str]]) -> None:
    costs = [cost(name, kind, at) for at, (name, kind) in enumerate(of_model)]
    records = [LayerRecord(name, kind, kind, 1.0 + at) for at, (name, kind) in enumerate(of_profile)]
    found = match(records, costs)
    counted = [each.flop for group in found.groups for each in group.costs] + [each.flop for each in found.costs]
    assert sorted(filter(None, counted)) == sorted(filter(None, (each.flop for each in costs)))
    assert len(found.groups) + len(found.records) == len(records)


# results


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Keep the stated roof as that of this machine, whose environment is returned."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    here = environment()
    numpy = here["subject"]["library numpy"]["value"]
    roof_cache.keep(Roof(here["hashes"]["machine"], str(numpy), "BLAS", (ROOF,)))
    return here


def test_each_configuration_of_a_result_has_its_share_or_a_reason(kept: dict[str, Any]) -> None:
    other = dataclasses.replace(measured(), configuration=EngineConfiguration("fake", variant="s8"))
    result = dataclasses.replace(make_result(measured(), other), environment=kept)
    own, quantized = roof_shares(result, REPORT).values()
    assert isinstance(own, RooflineShares)
    assert own.roof == ROOF
    assert isinstance(quantized, Unavailable)
    assert "s8" in quantized.reason
    (model,) = REPORT.models
    of_s8 = dataclasses.replace(REPORT, models=(dataclasses.replace(model, variant="s8"),))
    assert [type(each) for each in roof_shares(result, of_s8).values()] == [Unavailable, RooflineShares]


def test_a_chain_and_another_app_have_no_shares(kept: dict[str, Any]) -> None:
    result = dataclasses.replace(make_result(measured()), environment=kept)
    chain = AnalysisReport("my-app", (REPORT.models[0], REPORT.models[0]))
    (answer,) = roof_shares(result, chain).values()
    assert isinstance(answer, Unavailable)
    assert "chain" in answer.reason
    with pytest.raises(ResultError, match="my-app"):
        roof_shares(result, dataclasses.replace(REPORT, app="other"))


def test_analyze_shows_the_shares_of_a_result(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = dataclasses.replace(make_result(measured(profile=(PROFILE,))), environment=kept)
    monkeypatch.setattr("lpbench.cli.show.load", {"last": result}.__getitem__)
    monkeypatch.setattr("lpbench.jobs.analysis.analyze", lambda *_, **__: REPORT)
    monkeypatch.setattr("lpbench.cli._measure.find_app", lambda *_: None)
    assert main(["analyze", "my-app", "--with", "last", "--layers"]) == 0
    shown = capsys.readouterr().out
    assert "40.8 %" in shown
    assert "numpy's matrix product" in shown, "a reader has to know what 100 % are"
    assert "relu1_nchwc" in shown
    assert main(["analyze", "my-app", "--with", "last", "--json"]) == 0
    (shares,) = json.loads(capsys.readouterr().out)["roofline"].values()
    assert shares["total"]["share"] == pytest.approx(0.408)


def test_a_result_of_another_machine_has_that_roof_or_a_reason(kept: dict[str, Any]) -> None:
    facts = {"cpu_model": {"value": "Acme", "source": "x"}, "cores": {"value": 8, "source": "x"}}
    affinity = {"value": list(range(8)), "source": "x"}
    there = {**kept, "hashes": {"machine": "elsewhere"}, "machine": facts}
    there["subject"] = {**kept["subject"], "affinity": affinity}
    result = dataclasses.replace(make_result(measured()), environment=there)
    answer = roof_of(result, measured())
    assert isinstance(answer, Unavailable)
    assert answer.code == "other-machine"
    assert "1 thread on another machine, Acme," in answer.reason
    roof = dataclasses.replace(ROOF, array_bytes=2)
    roof_cache.keep(Roof("elsewhere", str(kept["subject"]["library numpy"]["value"]), "BLAS", (roof,)))
    assert roof_of(result, measured()) == roof
    answer = roof_of(result, measured(facts={"processor": "CPU", "threads": 8}))
    assert isinstance(answer, Unavailable)
    assert "8 threads" in answer.reason, "its own cores bound them, not those of this machine"


def test_an_engine_that_does_not_tell_its_threads_has_no_roof(kept: dict[str, Any]) -> None:
    result = dataclasses.replace(make_result(measured()), environment=kept)
    answer = roof_of(result, measured(facts={"processor": "CPU"}))
    assert isinstance(answer, Unavailable)
    assert "threads" in answer.reason
