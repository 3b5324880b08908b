"""docs/reference/hooks.md against the hooks that there are."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import FunctionType

from lpbench.plugin import hookspecs, registry

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
HOOKS = {name: each for name, each in vars(hookspecs).items() if isinstance(each, FunctionType) and name != "hookspec"}


def test_every_hook_is_documented_with_its_arguments() -> None:
    """A heading for each hook, in the order of the source, and none for a hook that is gone."""
    headings = re.findall(r"^## `(\w+)\((.*)\)`$", TEXT, flags=re.MULTILINE)
    assert headings == [(name, ", ".join(inspect.signature(hook).parameters)) for name, hook in HOOKS.items()]


def test_every_hook_says_what_it_takes_and_shows_it() -> None:
    """Each section opens with the hook's own sentence, names its kind of spec and has an example that defines it."""
    sections = dict(re.findall(r"^## `(\w+)\(.*?\)`\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))
    for kind in registry.KINDS:
        section = sections[kind.hook]
        assert inspect.cleandoc(HOOKS[kind.hook].__doc__ or "").splitlines()[0].replace("``", "`") in section
        assert f"`{kind.spec.__name__}`" in section
        assert f"@lpbench.hookimpl\ndef {kind.hook}(register):" in section


def test_the_registry_asks_for_every_hook() -> None:
    assert {kind.hook for kind in registry.KINDS} == set(HOOKS)
