"""Files of /proc and /sys below a root, which may be those of another machine; no content makes reading raise."""

from __future__ import annotations

import os
from pathlib import Path

from lpbench.util.unavailable import Unavailable

LONGEST = 1 << 20
"""Bytes of a file that are read."""
MOST_NUMBERS = 1 << 16
"""Of a kernel's list."""


class FileTree:
    """The file system of a machine.

    :param path: ``/``, or the top of a tree of files that represents another machine.
    """

    def __init__(self, path: Path = Path("/")) -> None:
        self.path = path
        self._prefix = os.path.join(path, "")  # noqa: PTH118 - pathlib takes time, and monitors read ten times a second

    @property
    def here(self) -> bool:
        """Whether it is the machine that runs this process."""
        return self.path == Path("/")

    def text(self, name: str) -> str | None:
        """Return a file's text without white space and NULs at its ends; None if it cannot be read or is empty.

        :param name: The path below the root, such as ``proc/stat``.
        """
        content = self._content(name)
        return None if content is None else content.decode("utf-8", "replace").strip(" \t\r\n\0") or None

    def _content(self, name: str) -> bytes | None:
        try:
            number = os.open(self._prefix + name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return None
        try:
            return _whole(number)
        except OSError:
            return None
        finally:
            os.close(number)

    def number(self, name: str) -> int | None:
        """Return the whole number in a file, or None if it has none."""
        return whole(self.text(name))

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Return the paths, relative to the root, that match in a folder, ordered by their numbers."""
        try:
            paths = [path.relative_to(self.path).as_posix() for path in (self.path / folder).glob(pattern)]
        except (OSError, ValueError, NotImplementedError):  # the last one: a pattern that begins at the root
            return []
        return sorted(paths, key=_by_number)

    def exists(self, name: str) -> bool:
        """Return whether a file or folder exists."""
        try:
            return os.path.exists(self._prefix + name)  # noqa: PTH110 - pathlib takes time
        except (OSError, ValueError):
            return False

    def missing(self, name: str) -> Unavailable:
        """Return why a file gives no value: it is not there, it may not be read, or holds something unexpected."""
        if not self.exists(name):
            return Unavailable(f"there is no /{name}", "not-here")
        content = self.text(name)
        if content is not None:
            return Unavailable(f"/{name} has unexpected content: {content[:40]!r}", "not-read")
        if not os.access(self._prefix + name, os.R_OK):
            return Unavailable(f"/{name} may not be read by this user", "no-permission")
        return Unavailable(f"/{name} cannot be read, or is empty", "not-read")


def _whole(number: int) -> bytes:
    """Return what a descriptor gives; most files of /proc and /sys give all of it at once."""
    parts = bytearray()
    while len(parts) < LONGEST and (part := os.read(number, LONGEST - len(parts))):
        parts += part
    return bytes(parts)


def whole(text: str | None) -> int | None:
    """Return a text as a whole number, or None if it is not one."""
    if text is None or len(text) >= 30 or not text.isascii() or "_" in text:  # noqa: PLR2004 - kernels write 64 bits
        return None
    try:
        return int(text)
    except ValueError:
        return None


def numbers(text: str) -> list[int] | None:
    """Return the numbers of a kernel list such as ``0-2,5``, or None if the text is not one."""
    values: list[int] = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        first, last = whole(low), whole(high or low)
        if first is None or last is None or not 0 <= first <= last < MOST_NUMBERS:
            return None
        if len(values) + last - first >= MOST_NUMBERS:
            return None
        values += range(first, last + 1)
    return values


def _by_number(name: str) -> tuple[str, int]:
    digits = name[len(name.rstrip("0123456789")) :]
    return name[: len(name) - len(digits)], int(digits or 0)
