"""The page of the engine states its options and facts as they are."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "engine-tensorrt.md"


def section(title: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_option_stands_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| (`.*?`) \| `?(.*?)`? \|", section("Options"), flags=re.MULTILINE)
    stated = {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    plain = {field.name: getattr(TensorrtConfig(), field.name) for field in dataclasses.fields(TensorrtConfig)}
    assert stated == {name: each if isinstance(each, str) else json.dumps(each) for name, each in plain.items()}


def test_every_fact_of_a_session_is_explained(models: Graphs, open_session: Opener) -> None:
    explained = set(re.findall(r"`(\w+)`", section("What is recorded")))
    assert set(open_session(models.one("Relu")).describe()) <= explained
