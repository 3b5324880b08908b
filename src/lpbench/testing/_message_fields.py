"""Changes fields of a protocol buffer without its schema; the lengths around a changed field still fit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

MORE = 0x80
"""Bit of a variable-length integer's byte that announces another byte."""
VARINT, FIXED64, SPAN, FIXED32 = 0, 1, 2, 5
DEEPEST = 12
LONGEST = 10
"""Bytes of an integer."""
MOST = 100_000
"""Fields of a message; megabytes of zeros would be taken for millions."""
NESTED = 600
"""Messages in each other, which a reader that calls itself does not survive."""


@dataclass(frozen=True)
class Field:
    """One record of a message.

    :param key: Field number and wire type, as the file has them.
    :param value: An integer, bytes, or the fields of a nested message.
    """

    key: int
    value: int | bytes | tuple[Field, ...]


Fields = tuple[Field, ...]


def parsed(content: bytes, depth: int = 0) -> Fields | None:
    """Return the fields of a message, or None if the bytes are none."""
    try:
        fields = tuple(itertools.islice(_fields(content, depth), MOST + 1))
        return fields if 0 < len(fields) <= MOST else None
    except (ValueError, LookupError):
        return None


def joined(fields: Fields) -> bytes:
    """Return a message as bytes."""
    return b"".join(map(_written, fields))


def mutated(content: bytes, random: Random, integers: Sequence[int], texts: Sequence[bytes]) -> bytes:
    """Return a message with one field, at any depth, that is changed, gone, repeated or elsewhere.

    :param integers: Integers for fields that hold some.
    :param texts: Contents for the others.
    """
    fields = parsed(content)
    if not fields:
        return content
    places = list(_places(fields, ()))
    value = random.choice((random.choice(integers), random.choice(texts)))
    other = _at(fields, random.choice(places))
    return joined(_changed(fields, random.choice(places), _change(random, value, other)))


def _change(random: Random, value: int | bytes, other: Field) -> Callable[[Field], Fields]:
    deep = b""
    for _ in range(NESTED):
        deep = joined((Field(2 << 3 | SPAN, deep),))
    changes: tuple[Callable[[Field], Fields], ...] = (
        lambda field: (_with(field, value),),
        lambda field: (_with(field, value),),
        lambda _: (),
        lambda field: (field, field),
        lambda field: (field,) * 100,
        lambda _: (other,),
        lambda field: (field, other),
        lambda field: (replace(field, key=field.key ^ 1 << random.randrange(6)),),
        lambda field: (Field(field.key & ~7 | SPAN, deep),),
    )
    return random.choice(changes)


def _with(field: Field, value: int | bytes) -> Field:
    """Return a field with another value of its kind; a number takes as many bytes as before."""
    if isinstance(field.value, int):
        return replace(field, value=value if isinstance(value, int) else len(value))
    size = len(field.value) if isinstance(field.value, bytes) and field.key & 7 != SPAN else 8
    number = value % (1 << 8 * size) if isinstance(value, int) else 0
    return replace(field, value=value if isinstance(value, bytes) else number.to_bytes(size, "little"))


def _places(fields: Fields, before: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for at, field in enumerate(fields):
        yield (*before, at)
        if isinstance(field.value, tuple):
            yield from _places(field.value, (*before, at))


def _at(fields: Fields, place: tuple[int, ...]) -> Field:
    field = fields[place[0]]
    return _at(field.value, place[1:]) if len(place) > 1 and isinstance(field.value, tuple) else field


def _changed(fields: Fields, place: tuple[int, ...], change: Callable[[Field], Fields]) -> Fields:
    at, *rest = place
    field = fields[at]
    if rest and isinstance(field.value, tuple):
        new: Fields = (replace(field, value=_changed(field.value, tuple(rest), change)),)
    else:
        new = change(field)
    return (*fields[:at], *new, *fields[at + 1 :])


def _fields(content: bytes, depth: int) -> Iterator[Field]:
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(content, at)
            yield Field(key, value)
            continue
        size, at = _varint(content, at) if wire == SPAN else ({FIXED64: 8, FIXED32: 4}[wire], at)
        part = content[at : at + size]
        at += size
        if len(part) < size or key < 1 << 3:
            raise ValueError(at)
        inner = parsed(part, depth + 1) if wire == SPAN and depth < DEEPEST else None
        yield Field(key, inner or part)


def _written(field: Field) -> bytes:
    if isinstance(field.value, int):
        return _number(field.key) + _number(field.value)
    content = joined(field.value) if isinstance(field.value, tuple) else field.value
    return _number(field.key) + (_number(len(content)) if field.key & 7 == SPAN else b"") + content


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(LONGEST):
        byte = content[at + shift]
        value |= (byte & (MORE - 1)) << 7 * shift
        if byte < MORE:
            return value, at + shift + 1
    raise ValueError(at)


def _number(value: int) -> bytes:
    value %= 1 << 64
    parts = bytearray()
    while value >= MORE:
        parts.append(value & (MORE - 1) | MORE)
        value >>= 7
    return bytes([*parts, value])
