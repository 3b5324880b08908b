"""The page of the engine states the options of the engine and of the converter, and every fact, as they are."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin import registry
from lpbench_acl.atc_config import AtcConfig
from lpbench_acl.config import AclConfig

if TYPE_CHECKING:
    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "engine-acl.md"


def section(title: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def shown(value: Any) -> str:
    """Return a default as the tables write it."""
    return (value or "empty") if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(("title", "config"), [("Options", AclConfig()), ("Conversion", AtcConfig())])
def test_every_option_stands_in_the_table_with_its_default(title: str, config: AclConfig | AtcConfig) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `?(.*?)`? \|", section(title).partition("| precision |")[0], flags=re.MULTILINE)
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    assert dict(rows) == {name: shown(value) for name, value in plain.items()}


def test_every_precision_of_the_converter_is_explained() -> None:
    spec = registry.current().get(registry.CONVERTERS, "atc").spec
    table = section("Conversion").partition("| precision |")[2]
    assert sorted(re.findall(r"`([A-Za-z]\w*)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))) == sorted(
        spec.precisions
    )
    assert f"`{spec.precisions[0]}` (default)" in table


def test_every_fact_of_a_session_is_explained(fake_acl: Fake, models: Graphs, open_session: Opener) -> None:
    explained = set(re.findall(r"`(\w+)`", section("What is recorded")))
    static = set(open_session(fake_acl.om(models.one("Relu"))).describe())
    geared = fake_acl.om(models.one("Relu", ("n", 3)), input_shape="x:-1,3", dynamic_batch_size="1,2")
    assert set(open_session(geared).describe()) - static == {"gears"}
    assert static | {"gears"} <= explained
