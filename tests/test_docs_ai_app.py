"""What the pages on AI apps say is true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lpbench.app.metadata import REQUIRED
from lpbench.plugin.builtin.tensors import TensorConfig
from lpbench.util import dataclass_config
from lpbench.util.schema import iter_problems, published

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = (DOCS / "reference" / "ai-app.md").read_text("utf-8")
GUIDE = (DOCS / "how-to" / "your-own-model.md").read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_reference_are_right() -> None:
    """The config by its schema, the settings of tensors by their dataclass."""
    app, step = map(json.loads, blocks(REFERENCE, "json"))
    assert list(iter_problems(app, published("lpbench.app", "ai_app"))) == []
    assert step.pop("type") == "tensors"
    dataclass_config.build(TensorConfig, step)


def test_the_reference_names_every_key_and_class() -> None:
    schema = published("lpbench.app", "ai_app")
    keys = {key for holder in (schema, *schema["$defs"].values()) for key in holder.get("properties", ())}
    words = set(re.findall(r"`([$\w]+)`", REFERENCE))
    assert keys | set(schema["properties"]["ai_app_class"]["enum"]) | set(REQUIRED) <= words


def lines_of(page: str) -> list[str]:
    found = [line for block in blocks(page, "") for line in block.splitlines()]
    return [line.strip() for line in found if line.strip().startswith("lpbench ")]


@pytest.mark.parametrize("line", lines_of(GUIDE))
def test_the_commands_of_the_guide_are_understood(line: str) -> None:
    """Parsed, not run: every option that the guide names exists."""
    import shlex

    from lpbench.cli._parser import Parser
    from lpbench.plugin import registry, specs

    _, command, *words = shlex.split(line)
    module: Any = specs.load(registry.current().get(registry.COMMANDS, command).spec.target, who=command)
    parser = Parser(command)
    module.configure(parser)
    assert parser.parse(words)


def test_the_functions_of_the_guide_exist() -> None:
    import lpbench

    names = set(re.findall(r"lpbench\.(\w+)\(", "".join(blocks(GUIDE, "python"))))
    assert names
    assert names <= set(lpbench.__all__)
