"""Reads facts from /proc and /sys below a root; no content of these files can make it raise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Fact = dict[str, Any]
"""``{"value", "source"}``, or ``{"value": None, "reason"}`` if the value is not known."""
Facts = dict[str, Fact]

_LONGEST = 1 << 20


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


class Root:
    """The file system of the examined machine; each file is read once, so a root is a snapshot.

    :param path: ``/``, or the top of a tree of files that represents another machine.
    """

    def __init__(self, path: Path = Path("/")) -> None:
        self.path = path
        self._read: dict[str, str | None] = {}

    @property
    def here(self) -> bool:
        """Whether it is the machine that runs this process."""
        return self.path == Path("/")

    def text(self, name: str) -> str | None:
        """Return a file's text without white space and NULs at its ends; None if it cannot be read or is empty."""
        if name not in self._read:
            self._read[name] = self._text(name)
        return self._read[name]

    def _text(self, name: str) -> str | None:
        try:
            with (self.path / name).open("rb") as file:
                content = file.read(_LONGEST).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None
        return content.strip(" \t\r\n\0") or None

    def number(self, name: str) -> int | None:
        """Return the whole number in a file, or None if it has none."""
        return whole(self.text(name))

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Return the paths, relative to the root, that match in a folder, ordered by their numbers."""
        try:
            paths = [path.relative_to(self.path).as_posix() for path in (self.path / folder).glob(pattern)]
        except (OSError, ValueError):
            return []
        return sorted(paths, key=_by_number)

    def exists(self, name: str) -> bool:
        """Return whether a file or folder exists."""
        try:
            return (self.path / name).exists()
        except (OSError, ValueError):
            return False

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


def whole(text: str | None) -> int | None:
    """Return a text as a whole number, or None if it is not one."""
    try:
        return int(text) if text is not None and len(text) < 30 else None  # noqa: PLR2004 - kernels write 64 bits
    except ValueError:
        return None


def numbers(text: str) -> list[int] | None:
    """Return the numbers of a kernel list such as ``0-2,5``, or None if the text is not one."""
    values: list[int] = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        first, last = whole(low), whole(high or low)
        if first is None or last is None or not 0 <= first <= last < 1 << 16:
            return None
        values += range(first, last + 1)
    return values


def _by_number(name: str) -> tuple[str, int]:
    digits = name[len(name.rstrip("0123456789")) :]
    return name[: len(name) - len(digits)], int(digits or 0)
