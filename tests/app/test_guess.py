"""The steps around a model: which processors are asked, and what is said where none suits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.app.guess import guess
from lpbench.plugin.engine import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIGNAL = TensorInfo("x", "float32", (1, 8))

PLUGIN = """
from lpbench.plugin.guessing import GuessedStep
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import ProcessorSpec

def guess(facts):
    assert facts.app_class == "signal_processing", facts
    rate = f"the rate is 8 kHz; {len(facts.inputs)} input, {len(facts.outputs)} outputs, {facts.labels} labels"
    return GuessedStep({"rate": 8000}, (rate,), {"x": "NC"})

def declines(facts):
    return None

def fails(facts):
    raise ValueError("no such rate\\nmore")

def lies(facts):
    return {"rate": 8000}

@hookimpl
def lpbench_register_preprocessors(register):
    for spec in SPECS:
        register(ProcessorSpec(spec[0], "nowhere", classes=spec[2], guess=spec[1]))
"""


def offer(install: Callable[..., Path], *specs: tuple[str, str, tuple[str, ...]]) -> None:
    """Install a plugin with these preprocessors: name, guess, classes."""
    install("hear", f"{PLUGIN}\nSPECS = {specs!r}\n")


def test_a_processor_that_knows_the_class_fills_in_its_settings(install: Callable[..., Path]) -> None:
    offer(install, ("hear", "hear:guess", ()))
    made = guess("signal_processing", [SIGNAL], [], 2)
    assert made.preprocessing == {"type": "hear", "rate": 8000}
    assert made.inputs == (TensorInfo("x", "float32", (1, 8), layout="NC"),)
    assert made.assumed[0] == "the rate is 8 kHz; 1 input, 0 outputs, 2 labels"
    assert [line.partition(" is")[0] for line in made.unserved] == ['postprocessor "tensors"']


def test_a_layout_that_is_known_is_not_assumed(install: Callable[..., Path]) -> None:
    offer(install, ("hear", "hear:guess", ()))
    made = guess("signal_processing", [TensorInfo("x", "float32", (1, 8), layout="CN")], [], 0)
    assert made.inputs[0].layout == "CN"


def test_those_that_name_the_class_are_asked_first_and_one_that_declines_is_left(install: Callable[..., Path]) -> None:
    named = ("signal_processing",)
    offer(install, ("any", "hear:guess", ()), ("declines", "hear:declines", named), ("plain", "", named))
    assert guess("signal_processing", [], [], 0).preprocessing == {"type": "plain"}


def test_without_a_guess_a_processor_for_every_class_is_not_used(install: Callable[..., Path]) -> None:
    offer(install, ("any", "", ()), ("other", "hear:guess", ("audio_classification",)))
    assert guess("signal_processing", [], [], 0).preprocessing == {"type": "tensors"}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("hear:fails", "ValueError: no such rate"),
        ("hear:lies", "TypeError: returned dict, expected GuessedStep or None"),
        ("hear:absent", "PluginError: hear: cannot load hear:absent: AttributeError: "),
    ],
)
def test_a_guess_that_fails_is_passed_over_and_said(install: Callable[..., Path], target: str, told: str) -> None:
    offer(install, ("hear", target, ()))
    made = guess("signal_processing", [], [], 0)
    assert made.preprocessing == {"type": "tensors"}
    line = f'CHECK: preprocessor "hear" was passed over, because its guess failed: {told}'
    assert made.assumed[0].startswith(line)
    assert "\n" not in made.assumed[0]


def test_where_nothing_suits_the_class_it_is_said_with_where_to_look() -> None:
    made = guess("signal_processing", [], [], 0)
    because = 'is used, because no installed one proposes itself for "signal_processing"; lpbench.plugins() lists all'
    assert [line.partition(" that are")[0] for line in made.unserved] == [
        f'preprocessor "tensors" {because}',
        f'postprocessor "tensors" {because}',
    ]
    assert not any(because in line for line in made.assumed)


def test_what_would_serve_the_class_comes_from_the_metadata(site: Path) -> None:
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    points = "[lpbench.extras.classes]\nsignal_processing = signals\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    told = 'for "signal_processing"; to have processors for it: pip install "lpbench[signals]"'
    assert all(line.endswith(told) for line in guess("signal_processing", [], [], 0).unserved)


def test_a_bare_model_wants_raw_tensors() -> None:
    made = guess("model", [SIGNAL], [], 0)
    assert not made.unserved
    assert made.assumed == (
        "inputs are synthetic, or read from .npy and .npz files",
        "predictions are the outputs themselves: shape, type and range of each",
    )


def test_open_dimensions_that_must_be_given_are_pointed_out() -> None:
    made = guess("model", [TensorInfo("ids", "int64", ("batch", "sequence"))], [], 0)
    assert any('dimension 1 (sequence) of input "ids"' in line for line in made.assumed)
