"""What a person reads of a profile; tested on hand-built ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from tests.render.test_render import make_configuration

from lpbench import render
from lpbench.plugin.kit.layer_kinds import CATEGORIES
from lpbench.render import exports
from lpbench.render._profile import kinds_table, profile_notes
from lpbench.results.model import Result
from lpbench.results.profile import KindTime, LayerProfile, LayerRecord
from lpbench.results.settings import RunSettings

if TYPE_CHECKING:
    from lpbench.results.model import Configuration

PROFILE = LayerProfile(
    engine="fake",
    runs=30,
    inference_ns=10e6,
    median_ns=9e6,
    outside_median_ns=2e6,
    kinds=(KindTime("convolution", 6e6, 5e6, 2), KindTime("pooling", 1e6, 1e6, 1)),
    layers=(
        LayerRecord("b", "convolution", "Conv", 2e6),
        LayerRecord("a", "convolution", "Conv", 4e6, 2),
        LayerRecord("p", "pooling", "MaxPool", 1e6),
    ),
)


def configured(*profiles: LayerProfile) -> Configuration:
    return dataclasses.replace(make_configuration(), profile=profiles)


def shown(*profiles: LayerProfile, verbose: bool = False, width: int = 100) -> str:
    result = Result({"name": "app"}, RunSettings(), {}, (configured(*profiles),))
    return render.text(result, verbose=verbose, width=width)


def test_kinds_and_what_is_outside_of_them_are_the_whole() -> None:
    _, rows = kinds_table(PROFILE)
    assert rows == [
        ["convolution", "5.00", "60 %", "2"],
        ["pooling", "1.00", "10 %", "1"],
        ["outside of layers", "2.00", "30 %", ""],
        ["inference, profiled", "9.00", "100 %", "3"],
    ]


def test_means_are_called_means() -> None:
    kinds = (KindTime("pooling", 1e6, None, 1),)
    columns, rows = kinds_table(dataclasses.replace(PROFILE, kinds=kinds, outside_median_ns=None))
    assert [column.title for column in columns] == ["layers by kind", "mean ms", "share", "layers"]
    assert rows[1:] == [["outside of layers", "9.00", "90 %", ""], ["inference, profiled", "10.0", "100 %", "1"]]


def test_a_table_of_every_kind_has_at_most_twelve_rows() -> None:
    kinds = tuple(KindTime(name, 1e5, 1e5, 1) for name in CATEGORIES)
    assert len(kinds_table(dataclasses.replace(PROFILE, kinds=kinds))[1]) <= 12
    many = dataclasses.replace(PROFILE, kinds=tuple(KindTime(str(at), 1e5, 1e5, 1) for at in range(5000)))
    assert len(kinds_table(many)[1]) <= 12


def test_layers_that_ran_at_the_same_time_are_said_to() -> None:
    beside = dataclasses.replace(PROFILE, kinds=(KindTime("convolution", 15e6, 15e6, 2),))
    assert any("add up to 150 % of the inference" in note for note in profile_notes(beside))
    assert "-50 %" in shown(beside)


def test_the_slowest_layers_follow_when_asked_for() -> None:
    text = shown(PROFILE, verbose=True)
    assert text.index("\na ") < text.index("\nb ") < text.index("\np ")
    assert "slowest layers" not in shown(PROFILE)


def test_components_are_named_and_each_says_why_it_has_none() -> None:
    text = shown(
        dataclasses.replace(PROFILE, component="find"),
        LayerProfile(component="read", engine="other", reason="built without it", device_spans={"copy": 5e5}),
    )
    assert "layers of find" in text
    assert "no profile of read: built without it" in text
    assert "on the device of read" in text


def test_names_from_elsewhere_are_harmless_and_fit() -> None:
    evil = "\x1b[2Jx\u202e" * 50
    hostile = LayerProfile(
        component=evil,
        engine=evil,
        runs=1,
        inference_ns=1e-40,
        kinds=(KindTime(evil, 1e40, None, 10**30),),
        layers=(LayerRecord(evil, evil, evil, 1e40, 1e40),),
        left_out=5,
        left_out_ns=1e40,
        reason=evil,
        device_spans={evil: 1e40},
    )
    text = shown(hostile, verbose=True, width=80)
    assert "\x1b" not in text
    assert "\u202e" not in text
    for form in ("markdown", "html"):
        result = Result({"name": "app"}, RunSettings(), {}, (configured(hostile),))
        assert "\x1b" not in exports.of_result(result, form)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_files_for_people_show_it_too(form: str) -> None:
    result = Result({"name": "app"}, RunSettings(), {}, (configured(PROFILE),))
    text = exports.of_result(result, form)
    assert "outside of layers" in text
    assert "MaxPool" in text
