"""A converter's options, and what of a machine its product depends on: checked, passed on, kept, part of the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lpbench import cli
from lpbench.app.model import load_app
from lpbench.errors import AppError, ConfigError, ConversionError, PluginError
from lpbench.jobs.conversion import convert
from lpbench.plugin import converter_options
from lpbench.plugin.specs import ConverterSpec
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.engine import Model

pytest.importorskip("numpy", reason="needs numpy")
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("formulas")]

CONFIGS = ("Unmade", "Untyped", "Raising")
TWICE = {"inputs": [{"name": "x", "shape": [1, 5]}], "outputs": [{"name": "y", "formula": "double"}]}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app around a formula."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "m.formula").write_text(json.dumps(TWICE), encoding="ascii")
    return write_app(folder, {"formula": {"file": "m.formula"}}, name="numbers")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how often the converter was called."""
    log = tmp_path / "calls.log"
    monkeypatch.setenv("MAKER_LOG", str(log))
    return lambda: len(log.read_text("ascii").splitlines()) if log.exists() else 0


def options_in(model: Model) -> dict[str, Any]:
    """Return the options with which a slab was made, as it says itself."""
    found: dict[str, Any] = json.loads(model.path.read_bytes())["made with"]
    return found


def test_options_reach_the_converter_and_stand_in_the_provenance(app: Path) -> None:
    (made,) = convert(app, "slab", options={"finish": "polished", "layers": 1, "sizes": {"x": [1, 5]}})
    assert options_in(made) == {"finish": "polished", "layers": 1, "sizes": {"x": [1, 5]}}
    assert made.provenance["options"] == {"finish": "polished", "sizes": {"x": [1, 5]}}  # 1 is the default
    assert load_app(app).components[0].models[1].provenance == made.provenance


class Unmade:
    """No dataclass."""


@dataclass(frozen=True)
class Untyped:
    """A type that does not exist."""

    size: Unknown = 3  # type: ignore[name-defined] # noqa: F821 - that is the point


@dataclass(frozen=True)
class Raising:
    """A default that cannot be made."""

    size: int = field(default_factory=lambda: 1 // 0)


@pytest.mark.parametrize("config", ["no_such_library:Options", *(f"{__name__}:{each}" for each in CONFIGS)])
def test_options_that_cannot_be_read_are_a_fault_of_the_plugin_in_words(config: str) -> None:
    spec = ConverterSpec("broken", "m:f", reads="formula", writes="slab", config=config)
    for read in (converter_options.listed, partial(converter_options.stated, options={})):
        with pytest.raises(PluginError):
            read(spec)


def test_a_converter_with_broken_options_hides_no_other(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``quarry`` makes slabs too; nobody asked for it."""
    assert cli.main(["convert", str(app), "--to", "slab", "--set", "layers=2"]) == 0
    assert cli.main(["plugins", "-v"]) == 0
    shown = capsys.readouterr().out
    assert "options of mason: finish='raw'" in shown
    assert "options of quarry: quarry: cannot load no_such_library:Options" in shown


def test_options_of_the_command_line_get_the_types_of_the_config(app: Path) -> None:
    words = ["--set", "layers=3", "--set", "finish=polished", "--set", 'sizes={"x": [2]}']
    assert cli.main(["convert", str(app), "--to", "slab", *words]) == 0
    assert options_in(load_app(app).components[0].models[1]) == {
        "finish": "polished",
        "layers": 3,
        "sizes": {"x": [2]},
    }


@pytest.mark.parametrize(
    ("to", "options", "said"),
    [
        ("slab", {"finsh": "raw"}, 'options of mason: unknown key "finsh"\n  did you mean "finish"?'),
        ("slab", {"colour": "red"}, 'unknown key "colour"\n  known: finish, layers, sizes'),
        ("slab", {"layers": "three"}, "options of mason.layers: found 'three'; expected a whole number"),
        ("slab", {"finish": "glossy"}, "expected 'raw' or 'polished'"),
        ("table", {"layers": 1}, 'options of maker: unknown key "layers"\n  this converter has no options'),
    ],
)
def test_an_option_that_the_converter_does_not_have_is_refused_before_it_starts(
    app: Path, calls: Callable[[], int], to: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        convert(app, to, options=options)
    assert said in str(caught.value)
    assert calls() == 0


def test_other_options_are_another_conversion_and_defaults_that_are_stated_the_same(
    app: Path, tmp_path: Path, calls: Callable[[], int]
) -> None:
    counts: list[int] = []
    given: list[dict[str, Any]] = [{}, {"layers": 1}, {"layers": 2}, {"layers": 2, "finish": "raw"}]
    for at, options in enumerate(given):
        convert(app, "slab", options=options, output=tmp_path / str(at))
        counts.append(calls())
    assert counts == [1, 1, 2, 2]


def test_a_conversion_with_other_options_is_replaced_only_by_force(app: Path) -> None:
    convert(app, "slab")
    with pytest.raises(AppError, match=r"with other options \(none; asked for: layers 2\)\n  force=True"):
        convert(app, "slab", options={"layers": 2})
    convert(app, "slab", options={"layers": 2}, force=True)
    assert options_in(load_app(app).components[0].models[1])["layers"] == 2


def test_what_was_made_on_another_machine_is_not_taken_for_what_is_made_here(
    app: Path, calls: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = convert(app, "slab")
    assert made.provenance["bound"] == {"board": "one", "finish": "raw"}
    monkeypatch.setenv("SLAB_BOARD", "two")
    (other,) = convert(app, "slab")
    assert other.provenance["bound"]["board"] == "two"
    assert calls() == 2
    assert [model.path for model in load_app(app).components[0].models[1:]] == [made.path, other.path]


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ("crash", 'converter "mason" crashed: SIGABRT'),
        ("no text", 'converter "mason" returned something else than texts by name'),
        ("unnamed", r'^converter "mason": this board has no name\n  give it one$'),
    ],
)
def test_a_converter_that_cannot_say_what_its_product_depends_on_is_an_error(
    app: Path, monkeypatch: pytest.MonkeyPatch, board: str, said: str
) -> None:
    monkeypatch.setenv("SLAB_BOARD", board)
    with pytest.raises(ConversionError, match=said) as caught:
        convert(app, "slab")
    assert "Warning" not in caught.value.hint  # Python's own, of how the process was started
    assert [model.format for model in load_app(app).components[0].models] == ["formula"]


def test_the_list_of_plugins_has_the_options_of_converters(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugins", "-v"]) == 0
    assert "options of mason: finish=" in capsys.readouterr().out
