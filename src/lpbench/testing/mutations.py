"""Damages files as broken disks, cut transfers and attackers do; the same seed gives the same bytes.

``mutated`` recognises text, protocol buffers and FlatBuffers by their bytes, not by their names: it then also
changes a number, a length, a field or a table's offset, so that what reads the file gets beyond its head.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from lpbench.testing import _message_fields

if TYPE_CHECKING:
    import random as randoms
    from collections.abc import Callable, Sequence

    Random = randoms.Random
    Mutator = Callable[[bytes, Random, Sequence[bytes]], bytes]

INTEGERS = (0, 1, -1, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
"""Numbers at which sizes and signs go wrong."""
MAGIC = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"ustar\x0000", b"\x93NUMPY\x01\x00", b"\x80\x02}", b"TFL3"),
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*", b"RIFF", b"WEBP", b"P6\n"),
    *(b"<?xml", b"7767517", b"\x08\x08", b"{", b"[", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00" * 16, b"\xff" * 16),
)
"""First bytes of formats, and what readers stumble over."""
WORDS = (
    *("", "0", "-1", "1e999", "NaN", "nan", "inf", "null", "999999999999999999999", "9" * 400, "0x7fffffff", "1_0"),
    *("\x1b[31m\x07", "\x9b31m", "a\x00b", "../../../escape", "/etc/passwd", "A" * 300, "é" * 200, "%s%n", "\u202e"),
)
"""Words in place of those of a text."""
MOST = 1 << 16
"""Bytes that a single change adds at most."""
STEPS = (1, 1, 1, 2, 2, 3, 8)
"""Changes of one mutant: one is most likely to get far."""
CODES = ("B", "<H", ">H", "<I", ">I", "<Q", ">Q")
"""Numbers as ``struct`` writes them."""
OFFSET = 4
"""Bytes of an offset in a FlatBuffer."""


def mutated(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Return damaged content.

    :param content: A valid file.
    :param random: Decides on everything; the same state gives the same bytes.
    :param others: Further valid files, parts of which may get in.
    """
    for _ in range(random.choice(STEPS)):
        aware = _aware(content)
        mutators = aware if aware and random.random() < 0.6 else _PLAIN  # noqa: PLR2004 - a little more than half
        content = random.choice(mutators)(content, random, others)
    return content


def _aware(content: bytes) -> Sequence[Mutator]:
    """Return the changes that know the content's structure; none where it is not recognised."""
    if _is_text(content):
        return _TEXT
    if len(content) > 2 * OFFSET and content[OFFSET : 2 * OFFSET].isalnum():
        return _FLAT
    return (_message,) if _message_fields.parsed(content) else ()


def _is_text(content: bytes) -> bool:
    try:
        return b"\x00" not in content and bool(content.decode())
    except UnicodeDecodeError:
        return False


def _place(content: bytes, random: Random) -> int:
    return random.randrange(len(content) + 1)


def _span(content: bytes, random: Random) -> tuple[int, int]:
    begin = _place(content, random)
    return begin, min(len(content), begin + random.choice((1, 2, 4, 8, 32, 256, MOST)))


def _flip(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 16)) if changed else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _insert(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    at = _place(content, random)
    return content[:at] + random.randbytes(random.choice((1, 2, 4, 64))) + content[at:]


def _delete(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    begin, end = _span(content, random)
    return content[:begin] + content[end:]


def _duplicate(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    begin, end = _span(content, random)
    return content[:end] + (content[begin:end] * random.choice((1, 1, 2, 50)))[:MOST] + content[end:]


def _truncate(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    return content[: _place(content, random)]


def _splice(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    other = random.choice(others) if others else content
    return content[: _place(content, random)] + other[_place(other, random) :]


def _magic(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    magic, at = random.choice(MAGIC), random.choice((0, 0, _place(content, random)))
    return content[:at] + magic + content[at + random.choice((0, len(magic))) :]


def _number(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    code, at = random.choice(CODES), _place(content, random)
    size = struct.calcsize(code)
    value = random.choice(INTEGERS) % (1 << 8 * size)
    return content[:at] + struct.pack(code, value) + content[at + size :]


def _offset(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    """Change an aligned number that can be an offset or a length: a few bytes away, or far out."""
    at = OFFSET * random.randrange(len(content) // OFFSET or 1)
    if at + OFFSET > len(content):
        return content
    (value,) = struct.unpack_from("<I", content, at)
    step = random.choice((-8, -4, -1, 1, 4, 8, len(content), *INTEGERS))
    return content[:at] + struct.pack("<I", (value + step) % (1 << 32)) + content[at + OFFSET :]


def _entry(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    """Change an aligned number of two bytes, such as those that say where in its table a field is."""
    at = 2 * random.randrange(len(content) // 2 or 1)
    if at + 2 > len(content):
        return content
    return content[:at] + struct.pack("<H", random.choice((0, 2, 4, 6, 8, 12, 255, 65535))) + content[at + 2 :]


def _message(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    return _message_fields.mutated(content, random, INTEGERS, [word.encode() for word in WORDS])


def _word(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    """Replace a word or a number of a text, by another one of it or by a nasty one."""
    text = content.decode(errors="replace")
    spans = [found.span() for found in re.finditer(r"[\w.+-]+", text)]
    if not spans:
        return content
    (begin, end), (first, last) = random.choice(spans), random.choice(spans)
    word = random.choice((random.choice(WORDS), random.choice(WORDS), text[first:last]))
    return (text[:begin] + word + text[end:]).encode(errors="replace")


def _line(content: bytes, random: Random, _others: Sequence[bytes]) -> bytes:
    """Delete, repeat or move a line of a text."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    line = lines.pop(random.randrange(len(lines)))
    for _ in range(random.choice((0, 1, 2, 2))):
        lines.insert(random.randrange(len(lines) + 1), line)
    return b"".join(lines)


_PLAIN: tuple[Mutator, ...] = (_flip, _flip, _insert, _delete, _duplicate, _truncate, _splice, _magic, _number)
_TEXT: tuple[Mutator, ...] = (_word, _word, _word, _line)
_FLAT: tuple[Mutator, ...] = (_offset, _offset, _offset, _entry)
