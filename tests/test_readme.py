"""The README tells the truth: its plugin is the one that is installed and run in test_thirdparty."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGIN = ROOT / "tests" / "data" / "lpbench-acme"


@pytest.mark.parametrize("name", ["pyproject.toml", "lpbench_acme/__init__.py", "lpbench_acme/engine.py"])
def test_the_plugin_is_the_one_that_is_tested(name: str) -> None:
    assert (PLUGIN / name).read_text(encoding="utf-8").rstrip() in README


def test_it_stays_readable_in_a_few_minutes() -> None:
    assert len(README.splitlines()) < 200
