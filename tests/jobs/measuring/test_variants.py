"""Variants of one model in one run."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures

import pytest

import lpbench
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
