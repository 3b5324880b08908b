"""Files of compiled models: the header and the partitions are those of CANN, what the partitions hold is the fake's.

Header and table as the public sources of GE have them, little endian. The first partition is a ModelDef of protobuf
with the attributes that the real one has; the second holds the ONNX model, the third what this fake has to know.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

MAGIC = 0x444F4D49
HEADER = 256
_FIXED = struct.Struct("<3I64xI4B32sI32sII20sB3xQBB")
"""magic, size, version, length, flags and type, name, operators, user's, IR, models, platform, its type, length"""
_COUNT, _ENTRY = struct.Struct("<I4x"), struct.Struct("<I4xQQ")
_MODEL_DEF, _WEIGHTS, _TASKS = range(3)
_ATTRIBUTES, _STRING, _INTEGER = 11, 2, 3
"""Numbers of fields in ModelDef and AttrDef."""


class InvalidOmError(Exception):
    """The file is none."""


@dataclass
class Tensor:
    """An input or output; ``dims`` has -1 where gears or ranges decide."""

    name: str
    kind: int
    """as aclDataType numbers them"""
    dims: list[int]
    form: int = 2


@dataclass
class Gear:
    """A choice of shapes.

    :param values: What ``set_dynamic_*`` passes: a batch; a height and width; or all dims of all inputs.
    """

    values: list[int]
    inputs: list[list[int]]
    outputs: list[list[int]]


@dataclass
class Program:
    """What is known of a compiled model."""

    soc: str
    version: str
    command: str
    precision: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    gears: list[Gear]
    """one for a static model, none for one with ranges"""
    choice: str
    """empty, ``batch``, ``hw``, ``dims`` or ``range``"""
    workspace: int
    weights: int
    operators: list[tuple[str, str]]
    """name and type, in the order in which they run"""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Program:
        """Return what ``asdict`` made of one."""
        sides = {side: [Tensor(**each) for each in told[side]] for side in ("inputs", "outputs")}
        gears = [Gear(**each) for each in told["gears"]]
        return cls(**{**told, **sides, "gears": gears, "operators": [tuple(each) for each in told["operators"]]})


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _attribute(name: str, content: str | int) -> bytes:
    given = _field(_INTEGER, content) if isinstance(content, int) else _field(_STRING, content.encode())
    return _field(_ATTRIBUTES, _field(1, name.encode()) + _field(2, given))


def _model_def(program: Program) -> bytes:
    attributes: dict[str, str | int] = {
        "atc_cmdline": program.command,
        "atc_version": program.version,
        "framework_type": 5,
        "memory_size": program.workspace,
        "soc_version": program.soc,
        "weight_size": program.weights,
    }
    told = b"".join(_attribute(name, content) for name, content in attributes.items())
    return _field(1, b"model") + _field(2, 1) + told


def pack(program: Program, model: bytes) -> bytes:
    """Return the content of a file.

    :param model: The ONNX model.
    """
    parts = [_model_def(program), model, json.dumps(asdict(program)).encode()]
    table, offset = _COUNT.pack(len(parts)), 0
    for kind, part in enumerate(parts):
        table += _ENTRY.pack(kind, offset, len(part))
        offset += len(part)
    payload = table + b"".join(parts)
    unknown = int(program.choice == "range")
    begin = (MAGIC, HEADER, 0x20000000, len(payload), 0, 0, 1, 0, b"model", 0, b"", 1, 1, b"fake", 0)
    header = _FIXED.pack(*begin, len(payload), unknown, unknown)
    return header.ljust(HEADER, b"\0") + payload


def unpack(content: bytes) -> tuple[Program, bytes]:
    """Return the program and the ONNX model; raises InvalidOmError as GE's own check of a file does."""
    if len(content) < HEADER:
        raise InvalidOmError(f"{len(content)} bytes")
    found = _FIXED.unpack_from(content)
    length = found[-3] or found[3]
    if found[0] != MAGIC or length != len(content) - HEADER:
        raise InvalidOmError("the magic or the length is wrong")
    try:
        parts = _parts(content)
        return Program.of(json.loads(parts[_TASKS])), parts[_WEIGHTS]
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise InvalidOmError("the partitions are damaged") from error


def _parts(content: bytes) -> dict[int, bytes]:
    (count,) = _COUNT.unpack_from(content, HEADER)
    begin = HEADER + _COUNT.size
    table = [_ENTRY.unpack_from(content, begin + index * _ENTRY.size) for index in range(min(count, 8))]
    begin += len(table) * _ENTRY.size
    return {kind: content[begin + offset : begin + offset + size] for kind, offset, size in table}
