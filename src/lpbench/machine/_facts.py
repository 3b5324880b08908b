"""Reads facts from /proc and /sys below a root; no content of these files can make it raise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.util.file_tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable

Fact = dict[str, Any]
"""``{"value", "source"}``, or ``{"value": None, "reason"}`` if the value is not known."""
Facts = dict[str, Fact]


def fact(value: object, source: str) -> Fact:
    """Return a known fact: its value and its source."""
    return {"value": value, "source": source}


def absent(reason: str) -> Fact:
    """Return an unknown fact with the reason."""
    return {"value": None, "reason": reason}


def value_of(facts: Facts, key: str) -> Any:
    """Return the value of a fact; None if it is absent or has the format of another version."""
    entry = facts.get(key)
    return entry.get("value") if isinstance(entry, dict) else None


class Root(FileTree):
    """The file system of the examined machine; each file is read once, so a root is a snapshot."""

    def __init__(self, path: Path = Path("/")) -> None:
        super().__init__(path)
        self._read: dict[str, str | None] = {}

    def text(self, name: str) -> str | None:
        """Return a file's text without white space and NULs at its ends; None if it cannot be read or is empty."""
        if name not in self._read:
            self._read[name] = super().text(name)
        return self._read[name]

    def read(self, name: str, convert: Callable[[str], Any] = str) -> Fact:
        """Return a file's content as a fact.

        :param convert: Returns the value of a text, or None for an unexpected text.
        """
        text = self.text(name)
        if text is None:
            return absent(f"/{name} cannot be read" if self.exists(name) else f"there is no /{name}")
        value = convert(text)
        reason = f"/{name} has unexpected content: {text[:40]!r}"
        return fact(value, f"/{name}") if value is not None else absent(reason)

    def first(self, names: list[str], convert: Callable[[str], Any] = str) -> Fact:
        """Return the first of several files that has a value, as a fact."""
        facts = [self.read(name, convert) for name in names]
        known = next((entry for entry in facts if entry["value"] is not None), None)
        return known or absent("; ".join(entry["reason"] for entry in facts))
