"""The page of the engine states its options as they are."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from lpbench_trt.config import TensorrtConfig

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "engine-tensorrt.md"


def test_every_option_stands_in_the_table_with_its_default() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Options\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \| `?(.*?)`? \|", table, flags=re.MULTILINE)
    stated = {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    plain = {field.name: getattr(TensorrtConfig(), field.name) for field in dataclasses.fields(TensorrtConfig)}
    assert stated == {name: each if isinstance(each, str) else json.dumps(each) for name, each in plain.items()}
