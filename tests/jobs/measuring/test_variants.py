"""Variants of one model in one run."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures

import pytest

import lpbench
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.assembly import answers_reference
from lpbench.results.model import Configuration
from lpbench.testing.setups import write_app

pytestmark = pytest.mark.usefixtures("fakes")
TEXT = {"type": "text"}


@pytest.mark.parametrize("engines", [["fake:variant=s8", "fake"], ["fake", "fake:variant=s8"]])
def test_answers_of_a_variant_are_compared_with_those_of_the_apps_own_model(tmp_path: Path, engines: list[str]) -> None:
    (tmp_path / "own.fake").write_text("{}", encoding="ascii")
    own = {"format": "fake", "file": "own.fake"}
    write_app(tmp_path, [own, {**own, "variant": "s8"}], pre=TEXT, post=TEXT)
    result = lpbench.benchmark(tmp_path, engine=engines, runs=1, number=6, isolate=False)
    (compared,) = (each for each in result.configurations if each.agreement)
    assert compared.configuration.variant == "s8"
    assert result.configurations[compared.agreement["with"]].configuration.variant == ""


def test_a_variant_is_no_reference_beside_the_apps_own_model_whatever_runs_that() -> None:
    """Nor is a model that nothing was compared with; else the engine decides, and then the order."""
    answer = [{"sample": "a.png", "top": [{"label": "cat", "index": 0, "score": 1.0}]}]

    def each(variant: str = "", *, unchecked: str = "") -> Configuration:
        asked = EngineConfiguration("any", variant=variant)
        return Configuration(asked, "any", "", isolated=True, predictions=answer, unchecked=unchecked)

    assert answers_reference([each("s8"), each()], [True, False]) == 1
    assert answers_reference([each(), each()], [False, True]) == 1
    assert answers_reference([each(), each()], [False, False]) == 0
    assert answers_reference([each("s8"), each("f16")], [False, True]) == 1
    assert answers_reference([each(unchecked="no NPU"), each("s8")], [True, False]) == 1
    assert answers_reference([], []) is None
