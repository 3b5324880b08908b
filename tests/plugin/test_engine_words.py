"""The words of ``--engine``: read, written, and refused by the nearest word."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import LpbenchError
from lpbench.jobs.engine_mistakes import refuse_mistakes
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine_options import EngineWords, options_of
from lpbench.plugin.specs import EngineSpec
from lpbench.util.portable import allowed_cores
from lpbench.util.spans import read_cores, write_cores


@dataclass(frozen=True)
class Config:
    """Options of an engine, some of them called like words that every engine takes."""

    device: str = ""
    threads: int = 0
    streams: int = 0
    tile: str = ""
    mode: str = ""


@dataclass(frozen=True)
class Few:
    """Options of an engine, none of them called like such a word."""

    threads: int = 0


SPEC = EngineSpec("some", "nowhere:Engine", config=f"{__name__}:Config")
TEMPLATE = EngineConfiguration("", variant="pruned", batch=8, streams=2, tile=(64, 48), affinity=(0,))

BARE = EngineConfiguration("")

names = st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=1)
sizes = st.integers(1, 4096)
configurations = st.builds(
    EngineConfiguration,
    engine=st.just("some"),
    device=st.none() | st.sampled_from(["cpu", "cuda:0"]),
    threads=st.none() | st.integers(0, 64),
    options=st.fixed_dictionaries({}, optional={"mode": names, "streams": st.integers(0, 9), "tile": names}),
    variant=st.just("") | names,
    shapes=st.dictionaries(names, st.lists(sizes, min_size=1).map(tuple), max_size=2),
    batch=sizes,
    streams=st.integers(1, 64),
    affinity=st.sets(st.integers(0, 99)).map(sorted).map(tuple),
    tile=st.none() | st.tuples(sizes, sizes),
    environment=st.sampled_from(["", "env", "env:old", "/opt/some where", "../base=2"]),
    app=st.just("") | names,
)


def asked(text: str, template: EngineConfiguration = BARE) -> EngineConfiguration:
    """Return the configuration that words ask for."""
    words = EngineWords.of(text)
    return words.configuration(template, SPEC, options_of(SPEC, words, template.engine_options))


@given(configurations)
def test_what_a_configuration_is_called_asks_for_it(configuration: EngineConfiguration) -> None:
    assert asked(configuration.label) == configuration


@given(st.sets(st.integers(0, 300), min_size=1), st.sampled_from(",+"))
def test_core_numbers_are_read_as_they_are_written(cores: set[int], between: str) -> None:
    found = read_cores(write_cores(list(cores), between=between), most=300, between=between)
    assert found == tuple(sorted(cores))


@pytest.mark.parametrize("text", ["some@", "some@:threads=2", "some@env:", "some@ "])
def test_a_place_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(LpbenchError, match="no environment follows the @"):
        EngineWords.of(text)


def test_words_win_over_what_is_asked_of_every_engine() -> None:
    assert asked("some", TEMPLATE) == dataclasses.replace(TEMPLATE, engine="some")
    found = asked("some:variant=s8:batch=4:streams=1:tile=96x32:affinity=1+3-4:shape.x=1x3", TEMPLATE)
    assert (found.variant, found.batch, found.streams, found.tile) == ("s8", 4, 1, (96, 32))
    assert (found.affinity, found.shapes) == ((1, 3, 4), {"x": (1, 3)})
    assert asked("some:variant=", TEMPLATE).variant == ""


def test_an_engines_own_option_of_the_same_name_is_set_by_its_whole_name() -> None:
    found = asked("some:streams=3:set.streams=4:set.mode=fast")
    assert (found.streams, found.options) == (3, {"streams": 4, "mode": "fast"})


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("batch=0", 'batch of fake: found "0"; expected a whole number from 1'),
        ("streams=two", 'streams of fake: found "two"; expected a whole number'),
        ("tile=96", 'tile of fake: found "96"; expected width and height of the model\'s input, such as 224x224'),
        ("tile=0x96", 'found "0x96"'),
        ("affinity=3-", 'affinity of fake: found "3-"; expected core numbers such as 0, 0-3 or 0+2'),
        ("affinity=99999", "expected core numbers"),
        ("shape.x=1,3", 'shape.x of fake: found "1,3"; expected the size of each dimension, such as 1x3x224x224'),
        ("batc=4", 'did you mean "batch"?'),
        ("thread=2", 'did you mean "threads"?'),
        ("batch=2:threads=1:batch=4", 'fake:batch=2:threads=1:batch=4: "batch" is given twice'),
        ("threads=1:set.threads=2", '"threads" is given twice'),
        ("set.batch=4", 'unknown key "batch"\n  every engine takes it: fake:batch=…, or batch'),
        (f"affinity={max(allowed_cores()) + 1}", "which this process may not use"),
    ],
)
def test_a_bad_word_is_one_error_before_anything_is_done(word: str, told: str) -> None:
    with pytest.raises(LpbenchError) as caught:
        refuse_mistakes([f"fake:{word}", "fake"], {})
    assert told in str(caught.value)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("words", [["fake:shape.x=1", "3"], ["fake:affinity=0", "2-3"]])
def test_a_comma_within_sizes_or_cores_is_explained(words: list[str]) -> None:
    """The command line cuts ``fake:shape.x=1,3`` where the next engine would begin."""
    with pytest.raises(LpbenchError, match=r"a comma separates engines: sizes are written 1x3x224x224, and cores 0\+2"):
        refuse_mistakes(words, {})


def test_a_word_of_every_engine_is_told_from_an_option_that_is_set_for_all() -> None:
    lacking = dataclasses.replace(SPEC, config=f"{__name__}:Few")
    with pytest.raises(LpbenchError, match=r"every engine takes it: some:variant=…, or variant"):
        options_of(lacking, EngineWords.of("some"), {"variant": "s8"})


def test_of_an_engine_without_options_the_words_of_every_engine_are_known() -> None:
    with pytest.raises(LpbenchError, match=r'no options of its own; did you mean "batch"\?'):
        options_of(dataclasses.replace(SPEC, config=""), EngineWords.of("some:batc=2"), {})
    bare: dict[str, Any] = options_of(dataclasses.replace(SPEC, config=""), EngineWords.of("some:batch=2"), {})
    assert bare == {}
