"""Follows a file or a FIFO that a logger appends lines to, at constant memory and without ever waiting."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 240_000
"""Bytes that are read at once: fewer than 20,000 of the shortest rows."""
HEAD = 1 << 16
"""Bytes of a file's beginning in which its header stands."""
PROBE = 1 << 14
LINE = 1 << 14
"""Bytes of a line; a longer one is none."""
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Tail:
    """The lines of a file, each once it is complete.

    :param path: A regular file or a FIFO; anything else is refused.
    """

    def __init__(self, path: str) -> None:
        self._path, self._name = path, os.path.basename(path)  # noqa: PTH119 - a path of the user's, which may be no path
        self._number = -1
        self._regular = False
        self._rest = b""
        self._partial = False

    def open(self) -> Unavailable | None:
        """Open it, or return why it cannot be read."""
        try:
            mode = os.stat(self._path).st_mode  # noqa: PTH116 - likewise
            if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
                return Unavailable(f"{self._name} is neither a file nor a FIFO", "not-read")
            number = os.open(self._path, FLAGS)
        except PermissionError:
            return Unavailable(f"{self._name} may not be read by this user", "no-permission")
        except (OSError, ValueError) as error:
            return Unavailable(f"{self._name} cannot be read: {getattr(error, 'strerror', error)}", "not-here")
        self.close()
        self._number = number
        mode = os.fstat(number).st_mode
        self._regular = stat.S_ISREG(mode)
        if self._regular or stat.S_ISFIFO(mode):
            return None
        self.close()
        return Unavailable(f"{self._name} is neither a file nor a FIFO", "not-read")

    def close(self) -> None:
        """Close it; twice is allowed."""
        if self._number >= 0:
            os.close(self._number)
        self._number, self._rest, self._partial = -1, b"", False

    @property
    def opened(self) -> bool:
        """Whether it is open."""
        return self._number >= 0

    def gone(self) -> Unavailable | None:
        """Return that its name is not there any more."""
        if os.path.exists(self._path):  # noqa: PTH110 - a path of the user's, which may be no path
            return None
        return Unavailable(f"{self._name} is not there any more", "not-here")

    def replaced(self) -> bool:
        """Return whether another file has its name, or it was truncated, so that it is to be opened again."""
        try:
            now, own = os.stat(self._path), os.fstat(self._number)  # noqa: PTH116 - likewise
            if (now.st_dev, now.st_ino) != (own.st_dev, own.st_ino):
                return True
            return self._regular and own.st_size < os.lseek(self._number, 0, os.SEEK_CUR)
        except OSError:
            return False

    def head(self) -> list[str]:
        """Return the complete lines that it begins with; none of a FIFO, which can be read once."""
        return self._at(0, HEAD) if self._regular else []

    def skip(self, before: Callable[[list[str]], bool]) -> None:
        """Go to a place shortly before the rows that count, so that a huge file is not read from its beginning.

        :param before: Whether lines are of a time before them.
        """
        size = os.fstat(self._number).st_size if self._regular else 0
        back = HEAD
        while back < size:
            if before(self._at(size - back, PROBE)[1:]):
                os.lseek(self._number, size - back, os.SEEK_SET)
                self._partial = True
                return
            back *= 4

    def _at(self, place: int, most: int) -> list[str]:
        try:
            return _decoded(os.pread(self._number, most, place).rpartition(b"\n")[0])
        except OSError:
            return []

    def lines(self) -> list[str]:
        """Return the lines that were completed since the last call."""
        try:
            piece = os.read(self._number, PIECE) if self._number >= 0 else b""
        except OSError:  # nothing there yet, or its disk is gone
            return []
        complete, newline, rest = (self._rest + piece).rpartition(b"\n")
        if not newline:
            complete, rest = b"", self._rest + piece
        if self._partial and newline:
            complete = complete.partition(b"\n")[2] if b"\n" in complete else b""
            self._partial = False
        self._partial = self._partial or len(rest) > LINE
        self._rest = b"" if len(rest) > LINE else rest
        return _decoded(complete)


def _decoded(lines: bytes) -> list[str]:
    text = lines.decode("utf-8", "replace").removeprefix("\ufeff")
    return [line for line in text.split("\n") if 0 < len(line) <= LINE]
