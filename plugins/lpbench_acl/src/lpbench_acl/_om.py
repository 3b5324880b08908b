"""Reads the header of offline models (``.om``): whether a file is whole, and for which NPU it was made."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import protobuf
from lpbench.plugin.kit.untrusted import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpbench.plugin.kit.protobuf import Span

MAGIC = b"IMOD"
SIZE = 256
"""Bytes of the header, and the value of its second field."""
HEADER = struct.Struct("<4sI68xI4x100xQ64x")
"""Magic number, the header's size, the payload's size in 32 bits, and in 64 bits (0 in files of older versions)."""
ENCRYPTED = 80
"""Where the byte stands that says whether the payload is encrypted."""
TABLES = (struct.Struct("<I4x"), struct.Struct("<QQQ")), (struct.Struct("<I"), struct.Struct("<III"))
"""The count and an entry (type, offset, size) of the table of parts: today's layout, and that of older versions."""
PARTS = 64
"""Most parts of a file of which the table is believed."""
MODEL = 0
"""The type of the part that holds the model's description, a protocol buffer (``ge_ir.proto``)."""
FIELDS, SMALL = 10_000, 256
"""Fields of the description that are looked at, and bytes of an attribute that may be the NPU's: more is not read."""
ATTRIBUTE, KEY, VALUE, TEXT = 11, 1, 2, 2
"""Field numbers: the description's attributes, an attribute's key and value, a value's text."""
ZIP = b"PK\x03\x04"
NPU = re.compile(r"[0-9A-Za-z_-]{1,60}")
AGAIN = "convert or copy it again"


@dataclass(frozen=True)
class Header:
    """What the header says.

    :param payload: Bytes that follow the header.
    :param encrypted: Whether they can be read only with a key.
    """

    payload: int
    encrypted: bool


def problem(path: Path, soc: str = "") -> tuple[str, str] | None:
    """Return what is wrong with a file and what to do about it; None if it is a whole offline model.

    :param soc: The NPU that is to run it, as AscendCL names it; empty to leave that out.
    :raises EngineError: The file cannot be read.
    """
    with open_regular(path, error=EngineError) as file:
        head, size = file.read(SIZE), path.stat().st_size
        if wrong := _wrong(head, size):
            return wrong
        made_for = _soc(file, size) if soc else ""
    if made_for and made_for != soc:
        what = f"is made for {made_for}, and this NPU is {soc}"
        return what, f"convert it for this NPU: lpbench convert APP --to om --set soc={soc}"
    return None


def soc(path: Path) -> str:
    """Return the NPU that an offline model was made for, as ``Ascend310P3``; empty where the file does not tell.

    :raises EngineError: The file cannot be read.
    """
    with open_regular(path, error=EngineError) as file:
        return _soc(file, path.stat().st_size)


def _wrong(head: bytes, size: int) -> tuple[str, str] | None:
    if not head:
        return "is empty", AGAIN
    if not head.startswith(MAGIC):
        kind = "a zip file, perhaps an offline model of the kind OM2" if head.startswith(ZIP) else "no offline model"
        return (
            f"is {kind}: it begins with {head[:4]!r} and not with {MAGIC!r}",
            "lpbench convert APP --to om makes them",
        )
    if len(head) < SIZE:
        return f"is cut off: {size} bytes, and the header alone has {SIZE}", AGAIN
    header = _parsed(head)
    if header is None:
        return f"is damaged: its header does not say that it has {SIZE} bytes", AGAIN
    return _misfit(header.payload, size - SIZE)


def _misfit(said: int, there: int) -> tuple[str, str] | None:
    state = "cut off" if said > there else "damaged"
    return (f"is {state}: {there} bytes follow the header, and it says {said}", AGAIN) if said != there else None


def _parsed(head: bytes) -> Header | None:
    """Return what a header says; None if it is none of 256 bytes."""
    _, own, short, long = HEADER.unpack(head)
    return Header(long or short, bool(head[ENCRYPTED])) if own == SIZE else None


def _soc(file: BinaryIO, size: int) -> str:
    """Return the description's attribute ``soc_version``; empty where it cannot be found, or names no NPU."""
    file.seek(0)
    head = file.read(SIZE)
    header = _parsed(head) if len(head) == SIZE and head.startswith(MAGIC) else None
    if header is None or header.encrypted:
        return ""
    found = (_attribute(file, span, "soc_version") for span in _descriptions(file, size))
    return next(filter(NPU.fullmatch, found), "")


def _descriptions(file: BinaryIO, size: int) -> Iterator[Span]:
    """Yield where the model's description may be, by either layout of the table."""
    for count, entry in TABLES:
        file.seek(SIZE)
        words = file.read(count.size)
        number = count.unpack(words)[0] if len(words) == count.size else 0
        table = file.read(entry.size * number) if 0 < number <= PARTS else b""
        if not table or len(table) < entry.size * number:
            continue
        parts = {kind: (offset, length) for kind, offset, length in entry.iter_unpack(table)}
        begin = SIZE + count.size + len(table)
        offset, length = parts.get(MODEL, (0, 0))
        if length and begin + offset + length <= size:
            yield begin + offset, begin + offset + length


def _attribute(file: BinaryIO, span: Span, key: str) -> str:
    """Return the text of an attribute; empty if the part has none of the name, or is no protocol buffer."""
    try:
        for _, (number, value) in zip(range(FIELDS), protobuf.fields(file, span), strict=False):
            if number != ATTRIBUTE or isinstance(value, int) or value[1] - value[0] > SMALL:
                continue
            keys = protobuf.nested(file, value, KEY)
            if keys and protobuf.text(file, keys[0]) == key:
                texts = protobuf.nested(file, value, VALUE, TEXT)
                return protobuf.text(file, texts[0]) if texts else ""
    except ValueError:  # the table has the other layout, or the file is damaged
        pass
    return ""
