"""What the commands print with: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

    from lpbench.errors import LpbenchError
    from lpbench.render._table import Paint

DONE, FAILED, WRONG, NOTHING, INTERRUPTED, PIPE = 0, 1, 2, 3, 130, 141
"""Exit statuses: done; a comparison failed; wrong usage; nothing measured; Ctrl-C; nobody reads any more."""

WIDTH = 100
"""Columns where there is no terminal to ask."""
STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "warn": "33"}


def say(*lines: str) -> None:
    """Print what is no answer."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def complain(error: LpbenchError) -> None:
    """Print an error: the thing, the place, the remedy."""
    say(f"{painter(sys.stderr)('error', 'bad')}: {error}")


def answer_json(document: Any) -> None:
    """Print a document on standard output."""
    import json

    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def coloured(stream: TextIO) -> bool:
    """Whether a stream takes colour: a terminal that can, and nobody who forbids it (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Paint:
    """Return what dresses text for a stream."""
    if not coloured(stream):
        return lambda text, _style: text
    return lambda text, style: f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text else text


def width(stream: TextIO) -> int:
    """Return the columns of a stream's terminal, or what COLUMNS says, or ``WIDTH``."""
    import shutil

    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return max(columns, 40) if stream.isatty() or os.environ.get("COLUMNS") else WIDTH
