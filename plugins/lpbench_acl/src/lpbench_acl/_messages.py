"""Reads what ATC prints: its messages with code, cause and solution, as every version of CANN writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpbench.plugin.kit.untrusted import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CODE = r"(?P<code>E[0-9A-Z][0-9]{4})"
STAMP = r"(?:\[PID: ?[0-9]+\] *\S+ +)"
BEGIN = re.compile(rf"(?:{STAMP}\w*\()?{CODE}\b\)?(?P<rest>.*)")
"""Matches how a message begins, by the version of CANN: ``E10001: text``, ``E10001: [PID: 7] TIME text``, and
``[PID: 7] TIME Title(E10001): text``."""
LEAD = re.compile(rf"(?: +[A-Z]\w*(?=:))? *:? *{STAMP}?(?:\w*\(E[0-9A-Z][0-9]{{4}}\):)? *")
"""Matches what stands between the code and the text."""
PLACE = re.compile(r"\[(?:FUNC|FILE|LINE|THREAD):[^\]]*\]")
"""Matches the places in CANN's sources that end its lines."""
INNER = re.compile(r"(?:inner|internal) error!?\.?", re.IGNORECASE)
"""Matches the text of a message that says nothing: what follows it does."""
TRACE = "TraceBack (most recent call last):"
BANNER = re.compile(r"ATC (?:start working now|run (?:failed|success))|[.\s]*$")
"""Matches lines that say nothing but that ATC runs, or that it failed."""
MOST = 4
"""Messages that are kept."""
LONGEST = 400
"""Characters of a text that are kept."""


@dataclass(frozen=True)
class Message:
    """What ATC says of one failure.

    :param code: ``E10001``; letters and digits say which part of CANN speaks.
    """

    code: str
    text: str = ""
    cause: str = ""
    solution: str = ""

    @property
    def reason(self) -> str:
        """What is wrong, or its cause; empty where ATC says only that something is."""
        return self.cause if not self.text or INNER.fullmatch(self.text) else self.text

    def __str__(self) -> str:
        return f"{self.code}: {self.reason or 'it gives no reason'}"


def messages(output: str) -> list[Message]:
    """Return the messages in an output of ATC, each once, the first few of them; without reason only if all are."""
    every = {str(message): message for message in map(_message, _blocks(output.splitlines()))}
    telling = [message for message in every.values() if message.reason]
    return (telling or list(every.values()))[:MOST]


def telling_lines(output: str) -> list[str]:
    """Return the lines of an output that say something."""
    return [_tidy(line) for line in output.splitlines() if not BANNER.match(line.strip())]


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines of each message, its first one first; a blank line ends a message."""
    block: list[str] = []
    for line in (line.lstrip(".") for line in lines):  # dots show that ATC is alive
        begins = BEGIN.match(line)
        if block and (begins or not line.strip()):
            yield block
            block = []
        if begins or (block and line.strip()):
            block.append(line)
    if block:
        yield block


def _message(lines: list[str]) -> Message:
    begin = BEGIN.match(lines[0])
    code, rest = (begin["code"], begin["rest"]) if begin else ("", lines[0])
    lead = LEAD.match(rest)
    message = Message(code, _tidy(rest[lead.end() :] if lead else rest))
    for line in map(str.strip, lines[1:]):
        label, _, words = line.partition(":")
        if label == "Possible Cause":
            message = replace(message, cause=_tidy(words))
        elif label == "Solution":
            message = replace(message, solution=_tidy(words))
        elif line != TRACE and (not message.text or INNER.fullmatch(message.text)):
            message = replace(message, text=_tidy(line))
    return message


def _tidy(text: str) -> str:
    """Return a line without CANN's places, of a bounded length."""
    return shorten(" ".join(PLACE.sub("", text[: 4 * LONGEST]).split()), LONGEST)
