"""The attributes of each kind of data sheet, read from its published schema."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from lpbench.util.schema import published

PACKAGE = "lpbench.datasheets"
IDENTITY = ("id", "aliases", "sources", "note")
"""Keys of a row that say which it is and who states it."""


@dataclass(frozen=True)
class Attribute:
    """An attribute.

    :param key: Its key in a row, the name of its field, and its column.
    :param unit: Empty where it has none.
    :param kind: Definition of the schema that describes its values; empty where they are listed.
    """

    key: str
    title: str
    unit: str
    description: str
    kind: str

    @property
    def heading(self) -> str:
        """Its title with the unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@functools.lru_cache
def attributes(kind: str) -> tuple[Attribute, ...]:
    """Return the attributes of ``platforms``, ``frameworks`` or ``models``, in their order."""
    kinds = published(PACKAGE, kind)["$defs"]
    found = []
    for key, schema in kinds["row"]["properties"].items():
        if key not in IDENTITY:
            values = schema.get("$ref", "").rpartition("/")[2]
            unit = kinds.get(values, {}).get("title", "")
            found.append(Attribute(key, schema["title"], unit, schema["description"], values))
    return tuple(found)
