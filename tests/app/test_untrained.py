"""An app with random weights: its speed is measured, and nobody takes its answers for knowledge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpbench import benchmark, load_result, render
from lpbench.errors import LpbenchError
from lpbench.render.predictions import answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def untrained(fake_app: Callable[..., Path]) -> Path:
    folder = fake_app()
    file = folder / "ai_app_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "untrained": True}), encoding="utf-8")
    return folder


def test_its_answers_are_shown_with_what_they_are_worth(untrained: Path, tmp_path: Path) -> None:
    """On the screen of the result and above the answers, also of a saved result."""
    result = benchmark(untrained, number=6, isolate=False)
    result.save(tmp_path / "result.json")
    for each in (result, load_result(tmp_path / "result.json")):
        assert each.configurations[0].measured
        assert "random weights: speed only" in render.text(each)
        assert "the answers carry no meaning" in answers(each)[0]


def test_other_apps_say_nothing_of_the_kind(fake_app: Callable[..., Path]) -> None:
    result = benchmark(fake_app(), number=6, isolate=False)
    assert "random weights" not in "\n".join((render.text(result), *answers(result)))


def test_its_quality_is_not_measured(untrained: Path) -> None:
    with pytest.raises(LpbenchError, match=r"random weights, so its predictions have no quality"):
        benchmark(untrained, quality=True)
