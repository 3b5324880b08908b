"""Checks values against the subset of JSON Schema (draft 2020-12) that lpbench's schemas use.

All errors are reported, each with its path in the value, what was found and what is
expected.  A schema with an unknown keyword is refused, so that no rule of a schema
goes unchecked.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from lpbench.util.problems import Problem, show
from lpbench.util.schema_keywords import KEYWORDS, anything, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.util.schema_keywords import Check, Path

__all__ = ["Problem", "iter_problems", "published", "published_problems"]

ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default"})


def published(package: str, name: str) -> dict[str, Any]:
    """Return a schema that a package publishes, for example ``ai_app`` of ``lpbench.app``."""
    from importlib.resources import files

    text = (files(package) / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def iter_problems(instance: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield everything that ``schema`` refuses in ``instance``, a value as ``json.loads`` returns it.

    :raises ValueError: The schema has an unknown keyword, type or reference.
    """
    problems: list[Problem] = []
    _Compiler(schema).check(schema, "#")(instance, (), problems)
    return iter(problems)


def published_problems(instance: Any, package: str, name: str, part: str = "") -> Iterator[Problem]:
    """Yield everything that a published schema refuses in ``instance``; the schema is compiled once for all calls.

    :param part: Name of the definition in the schema that applies; empty for the whole.
    """
    problems: list[Problem] = []
    _compiled(package, name, part)(instance, (), problems)
    return iter(problems)


@functools.lru_cache
def _compiled(package: str, name: str, part: str) -> Check:
    schema = published(package, name)
    return _Compiler(schema).check({"$ref": f"#/$defs/{part}"} if part else schema, "#")


class _Compiler:
    """Compiles schemas into checks, each reference once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self._referred: dict[str, Check] = {}

    def check(self, schema: Any, place: str) -> Check:
        """Return the check of one schema.

        :raises ValueError: The value is not a schema, or has an unknown keyword, type or reference.
        """
        if isinstance(schema, bool):
            return anything if schema else nothing
        if not isinstance(schema, dict):
            raise ValueError(f"schema {place}: found {show(schema)}; expected an object, true or false")  # noqa: TRY004 - ValueError, as for every other wrong schema
        for name, inner in schema.get("$defs", {}).items():
            self.check(inner, f"{place}/$defs/{name}")
        unknown = schema.keys() - KEYWORDS.keys() - ANNOTATIONS
        if unknown:
            raise ValueError(f"schema {place}: unknown keyword {min(unknown)!r}")
        checks = [KEYWORDS[keyword](self, schema, place) for keyword in schema if keyword in KEYWORDS]
        return checks[0] if len(checks) == 1 else _all(checks)

    def refer(self, reference: str, place: str) -> Check:
        """Return the check of ``#/$defs/name``, compiled on first use because schemas may refer to themselves."""
        name = reference.removeprefix("#/$defs/")
        if name == reference or name not in self.root.get("$defs", {}):
            raise ValueError(f"schema {place}: no such reference: {reference}")

        def check(value: Any, path: Path, problems: list[Problem]) -> None:
            if reference not in self._referred:
                self._referred[reference] = self.check(self.root["$defs"][name], reference)
            self._referred[reference](value, path, problems)

        return check


def _all(checks: Sequence[Check]) -> Check:
    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        for part in checks:
            part(value, path, problems)

    return check
