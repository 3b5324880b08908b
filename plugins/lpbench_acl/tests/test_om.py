"""Files that call themselves offline models: which are whole, and for which NPU they were made."""

from __future__ import annotations

import os
import random
import struct
from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.engine import EngineError
from lpbench_acl import _om

if TYPE_CHECKING:
    from pathlib import Path


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer that holds bytes."""
    return bytes([number << 3 | 2, *varint(len(content))]) + content


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def attribute(key: str, value: str) -> bytes:
    return field(11, field(1, key.encode()) + field(2, field(2, value.encode())))


def description(soc: str) -> bytes:
    """Return a model's description as ``ge_ir.proto`` has it: a name, a graph, attributes."""
    graph = field(7, field(1, b"graph") + b"x" * 1000)
    return field(1, b"net") + graph + attribute("atc_version", "8.0.0") + attribute("soc_version", soc)


def offline_model(path: Path, soc: str = "Ascend310P3", *, old: bool = False, part: bytes | None = None) -> Path:
    """Write a file as ``framework_types_internal.h`` of CANN's graph engine describes it.

    :param old: With the table and the length of older versions, of 32 bits.
    :param part: The part that describes the model, in place of the usual one.
    """
    part = description(soc) if part is None else part
    weights = bytes(300)
    entries = [(0, 0, len(part)), (1, len(part), len(weights))]
    table = struct.pack("<I" if old else "<I4x", len(entries))
    table += b"".join(struct.pack("<III" if old else "<QQQ", *entry) for entry in entries)
    payload = table + part + weights
    head = bytearray(256)
    struct.pack_into("<4sII", head, 0, b"IMOD", 256, 0x10000000 if old else 0x20000000)
    struct.pack_into("<I", head, 76, len(payload))
    struct.pack_into("<Q", head, 184, 0 if old else len(payload))
    path.write_bytes(bytes(head) + payload)
    return path


@pytest.mark.parametrize("old", [False, True])
def test_a_whole_file_is_accepted_and_tells_its_npu(tmp_path: Path, *, old: bool) -> None:
    path = offline_model(tmp_path / "model.om", old=old)
    assert _om.problem(path) is None
    assert _om.problem(path, "Ascend310P3") is None
    assert _om.soc(path) == "Ascend310P3"


def test_a_file_for_another_npu_is_named_with_both(tmp_path: Path) -> None:
    path = offline_model(tmp_path / "model.om", "Ascend910B")
    what, hint = _om.problem(path, "Ascend310P3") or ("", "")
    assert "Ascend910B" in what
    assert "Ascend310P3" in what
    assert "--set soc=Ascend310P3" in hint


def test_a_file_that_does_not_tell_its_npu_is_left_to_ascendcl(tmp_path: Path) -> None:
    path = offline_model(tmp_path / "model.om", part=field(1, b"net"))
    assert _om.soc(path) == ""
    assert _om.problem(path, "Ascend310P3") is None


def test_an_encrypted_file_tells_nothing_and_is_left_to_ascendcl(tmp_path: Path) -> None:
    """Whatever its bytes look like."""
    path = offline_model(tmp_path / "model.om", "Ascend910B")
    content = bytearray(path.read_bytes())
    content[80] = 1  # is_encrypt of the header
    path.write_bytes(content)
    assert _om.problem(path, "Ascend310P3") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"IMOD" + bytes(20), "is cut off: 24 bytes"),
        (b"\x08\x01\x12\x04onnx" * 99, "is no offline model"),
        (b"PK\x03\x04" + bytes(400), "OM2"),
        (b"IMOD" + bytes(400), "is damaged"),
    ],
)
def test_a_file_of_another_kind_is_said_to_be_one(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(content)
    what, hint = _om.problem(path) or ("", "")
    assert words in what
    assert hint


def test_a_copy_that_lacks_any_number_of_bytes_is_refused(tmp_path: Path) -> None:
    whole = offline_model(tmp_path / "model.om").read_bytes()
    cut = tmp_path / "cut.om"
    for size in (*range(0, len(whole), 7), len(whole) - 1):
        cut.write_bytes(whole[:size])
        assert _om.problem(cut) is not None
        assert _om.soc(cut) in {"", "Ascend310P3"}
    cut.write_bytes(whole + b"\0")
    assert "is damaged" in (_om.problem(cut) or ("", ""))[0]


def test_damaged_bytes_raise_nothing(tmp_path: Path) -> None:
    """Whatever the table and the description say, the answer is a name, or none."""
    whole, path, chance = offline_model(tmp_path / "model.om").read_bytes(), tmp_path / "bad.om", random.Random(7)  # noqa: S311 - no secrets
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(4, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        assert _om.soc(path).isprintable()
        _om.problem(path, "Ascend310P3")


def test_a_description_of_countless_fields_is_given_up(tmp_path: Path) -> None:
    """The NPU would stand behind more fields than any compiler writes."""
    part = bytes([2 << 3, 1]) * 200_000 + attribute("soc_version", "Ascend310P3")
    assert _om.soc(offline_model(tmp_path / "model.om", part=part)) == ""


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.om")
    for path in (tmp_path, tmp_path / "none.om", tmp_path / "pipe.om"):
        with pytest.raises(EngineError):
            _om.problem(path)
