"""Reads facts from /proc and /sys below a root; nothing that stands there can make it raise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Fact = dict[str, Any]
"""``{"value", "source"}``, or ``{"value": None, "reason"}`` where it is not known."""
Facts = dict[str, Fact]

_LONGEST = 1 << 20


def fact(value: object, source: str) -> Fact:
    """Return what is known, and where it was read."""
    return {"value": value, "source": source}


def absent(reason: str) -> Fact:
    """Return that it is not known, and why."""
    return {"value": None, "reason": reason}


def value_of(facts: Facts, key: str) -> Any:
    """Return the value of a fact, None where it is absent or the facts are another version's."""
    found = facts.get(key)
    return found.get("value") if isinstance(found, dict) else None


class Root:
    """The file system of the machine that is looked at; a file is read once, so one root is one moment.

    :param path: ``/``, or the top of a tree that stands for it.
    """

    def __init__(self, path: Path = Path("/")) -> None:
        self.path = path
        self._read: dict[str, str | None] = {}

    @property
    def here(self) -> bool:
        """Whether it is the machine that runs this process."""
        return self.path == Path("/")

    def text(self, name: str) -> str | None:
        """Return a file's text, without the ends' white space and NULs, or None where it cannot be read or is empty."""
        if name not in self._read:
            self._read[name] = self._text(name)
        return self._read[name]

    def _text(self, name: str) -> str | None:
        try:
            with (self.path / name).open("rb") as file:
                found = file.read(_LONGEST).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None
        return found.strip(" \t\r\n\0") or None

    def number(self, name: str) -> int | None:
        """Return a file's whole number, or None where there is none."""
        return whole(self.text(name))

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Return the paths below the root that match in a folder, in the order of their numbers."""
        try:
            found = [path.relative_to(self.path).as_posix() for path in (self.path / folder).glob(pattern)]
        except (OSError, ValueError):
            return []
        return sorted(found, key=_by_number)

    def exists(self, name: str) -> bool:
        """Whether a file or folder is there."""
        try:
            return (self.path / name).exists()
        except (OSError, ValueError):
            return False

    def read(self, name: str, convert: Callable[[str], Any] = str) -> Fact:
        """Return a file's content as a fact.

        :param convert: Makes the value of the text, or returns None for text that makes no sense.
        """
        found = self.text(name)
        if found is None:
            return absent(f"/{name} cannot be read" if self.exists(name) else f"there is no /{name}")
        value = convert(found)
        return fact(value, f"/{name}") if value is not None else absent(f"/{name} makes no sense: {found[:40]!r}")

    def first(self, names: list[str], convert: Callable[[str], Any] = str) -> Fact:
        """Return the first of several files that tells, as a fact."""
        tried = [self.read(name, convert) for name in names]
        known = next((each for each in tried if each["value"] is not None), None)
        return known or absent("; ".join(each["reason"] for each in tried))


def whole(text: str | None) -> int | None:
    """Return the whole number that a text is, or None."""
    try:
        return int(text) if text is not None and len(text) < 30 else None  # noqa: PLR2004 - kernels write 64 bits
    except ValueError:
        return None


def numbers(text: str) -> list[int] | None:
    """Return the numbers of a kernel list such as ``0-2,5``, or None where it is none."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        first, last = whole(low), whole(high or low)
        if first is None or last is None or not 0 <= first <= last < 1 << 16:
            return None
        found += range(first, last + 1)
    return found


def _by_number(name: str) -> tuple[str, int]:
    digits = name[len(name.rstrip("0123456789")) :]
    return name[: len(name) - len(digits)], int(digits or 0)
