"""Output of the commands: the answer on standard output, everything else on standard error.

Everything that a command prints passes ``answer`` or ``say``, and everything that others print in this process passes
``Escaping``: what a file, a model or a library says cannot act on a terminal.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from lpbench.cli._streams import kept, raw
from lpbench.errors import LpbenchError
from lpbench.util.text import abridge, clean, escaped

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from lpbench.render._table import Paint

DONE, FAILED, WRONG, NOTHING, PIPE = 0, 1, 2, 3, 141
"""Exit statuses: done; a check failed; wrong usage; nothing measured; nobody reads standard output any more.

What a signal ended has that of ``lpbench.util.interrupts``."""

WIDTH = 100
"""Columns if standard output is not a terminal."""
UNLIMITED = 10_000
STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "warn": "33"}
STYLE = f"\x1b{os.urandom(8).hex()}["
"""Begins a style until it is printed; no file knows it, so none has its own styles printed as ours."""
LONGEST = 4_000
"""Characters of a line on standard error; the answer is printed whole."""


def answers() -> TextIO:
    """Return the stream of the command's answer."""
    return kept() or sys.stdout


def answer(*lines: str) -> None:
    """Print lines of the command's answer."""
    write(answers(), *lines)


def say(*lines: str) -> None:
    """Print lines on standard error."""
    write(sys.stderr, *(abridge(line, LONGEST) for line in lines))


def write(stream: TextIO, *lines: str) -> None:
    """Print lines on a stream; whatever is unprintable in them, line breaks too, is escaped."""
    print(*map(printable, lines), sep="\n", file=raw(stream), flush=stream is not answers())


def printable(line: str) -> str:
    """Return a line as it is printed: our styles as the terminal knows them, everything else unprintable escaped."""
    return "\x1b[".join(map(clean, line.split(STYLE)))


def complain(error: LpbenchError) -> None:
    """Print an error with its place and its remedy."""
    first, *others = str(error).split("\n")
    say(f"{painter(sys.stderr)('error', 'bad')}: {first}", *others)


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an error, whole, as ``sys.excepthook`` does."""
    import traceback

    lines = "".join(traceback.format_exception(kind, error, trace)).rstrip().split("\n")
    whole = error.shown(sys.maxsize).split("\n") if isinstance(error, LpbenchError) else []
    write(sys.stderr, *lines, *(whole if str(error) != "\n".join(whole) else ()))


def answer_json(document: Any) -> None:
    """Print a document on standard output; what is unprintable is escaped as JSON does."""
    import json

    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=str)
    print(*map(_json_line, text.split("\n")), sep="\n", file=raw(answers()))


def _json_line(line: str) -> str:
    """Return a line of JSON, in which only strings hold what is unprintable."""
    import json

    return escaped(line, lambda letter: json.dumps(letter)[1:-1])


def coloured(stream: TextIO) -> bool:
    """Whether to colour a stream: a terminal that supports it, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Paint:
    """Return the function that adds styles to a text for a stream."""
    if not coloured(stream):
        return lambda text, _style: text
    return lambda text, style: f"{STYLE}{STYLES[style]}m{text}{STYLE}0m" if text else text


def listing_width(stream: TextIO) -> int:
    """Return the columns for a list: those of the terminal, or no limit where a program reads its lines."""
    return width(stream) if stream.isatty() or os.environ.get("COLUMNS") else UNLIMITED


def width(stream: TextIO) -> int:
    """Return the value of COLUMNS, the columns of a stream's terminal, or ``WIDTH``."""
    import shutil

    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return max(columns, 40) if stream.isatty() or os.environ.get("COLUMNS") else WIDTH
