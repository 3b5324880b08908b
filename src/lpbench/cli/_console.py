"""Output of the commands: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

    from lpbench.errors import LpbenchError
    from lpbench.render._table import Paint

DONE, FAILED, WRONG, NOTHING, INTERRUPTED, PIPE = 0, 1, 2, 3, 130, 141
"""Exit statuses: done; a check failed; wrong usage; nothing measured; Ctrl-C; standard output was closed."""

WIDTH = 100
"""Columns if standard output is not a terminal."""
UNLIMITED = 10_000
STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "warn": "33"}


def say(*lines: str) -> None:
    """Print lines on standard error."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def complain(error: LpbenchError) -> None:
    """Print an error with its place and its remedy."""
    say(f"{painter(sys.stderr)('error', 'bad')}: {error}")


def answer_json(document: Any) -> None:
    """Print a document on standard output."""
    import json

    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def coloured(stream: TextIO) -> bool:
    """Whether to colour a stream: a terminal that supports it, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Paint:
    """Return the function that adds styles to a text for a stream."""
    if not coloured(stream):
        return lambda text, _style: text
    return lambda text, style: f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text else text


def listing_width(stream: TextIO) -> int:
    """Return the columns for a list: those of the terminal, or no limit where a program reads its lines."""
    return width(stream) if stream.isatty() or os.environ.get("COLUMNS") else UNLIMITED


def width(stream: TextIO) -> int:
    """Return the value of COLUMNS, the columns of a stream's terminal, or ``WIDTH``."""
    import shutil

    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return max(columns, 40) if stream.isatty() or os.environ.get("COLUMNS") else WIDTH
