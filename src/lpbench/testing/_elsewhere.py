"""Machines that lack everything, or answer nonsense, for the checks of monitors."""

from __future__ import annotations

import enum
from pathlib import Path

from lpbench.util.commands import Commands, Stream
from lpbench.util.file_tree import FileTree, whole
from lpbench.util.unavailable import Unavailable

MOST = 50
"""Names that a pattern matches."""


class Nonsense(enum.Enum):
    """What a broken file or command may say."""

    NAN = "nan"
    NEGATIVE = "-2147483648"
    HUGE = "9" * 29
    WORDS = "not supported"
    CUT = "temp="
    BINARY = "\x01\x02\ufffd" * 40
    LINES = "a b c 1 2 3: %@/mW\n" * 200


class Bare(FileTree):
    """No file at all."""

    def __init__(self) -> None:
        super().__init__(Path("/"))

    def text(self, name: str) -> str | None:
        return None

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        return []

    def exists(self, name: str) -> bool:
        return False


class Garbled(FileTree):
    """The files of this machine, each with the same nonsense in it."""

    def __init__(self, nonsense: Nonsense) -> None:
        super().__init__(Path("/"))
        self._nonsense = nonsense

    def text(self, name: str) -> str | None:
        return self._nonsense.value.strip()

    def number(self, name: str) -> int | None:
        return whole(self.text(name))

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        found = super().names(folder, pattern)[:MOST]
        return found or [f"{folder}/{pattern.replace('*', '0')}"]

    def exists(self, name: str) -> bool:
        return True


class Mute(Commands):
    """No command is installed, or each answers nonsense."""

    def __init__(self, nonsense: Nonsense | None = None) -> None:
        self._nonsense = nonsense

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        if self._nonsense is None:
            return Unavailable(f"not installed: {words[0]}", "not-installed")
        return self._nonsense.value

    def follow(self, *words: str) -> Stream | Unavailable:
        if self._nonsense is None:
            return Unavailable(f"not installed: {words[0]}", "not-installed")
        return _Repeating(self._nonsense.value)

    def installed(self, name: str) -> bool:
        return self._nonsense is not None


class _Repeating(Stream):
    def __init__(self, text: str) -> None:
        self._text = text

    def lines(self) -> list[str]:
        return self._text.splitlines()

    def ended(self) -> str:
        return ""

    def close(self) -> None:
        pass
