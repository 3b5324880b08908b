"""Frames over real pipes."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.errors import LpbenchError
from lpbench.worker.protocol import BLOCK_LIMIT, HEADER, MAGIC, Channel, ClosedError, ProtocolError, SilenceError

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def channel_of(reader: int, writer: int) -> Channel:
    """Return a channel to which two descriptors belong from now on."""
    return Channel(os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0))


@pytest.fixture
def ends() -> Iterator[tuple[Channel, int]]:
    """Return a channel and the descriptor that writes to it."""
    reader, writer = os.pipe()
    channel = channel_of(reader, os.dup(writer))
    yield channel, writer
    channel.close()
    os.close(writer)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.binary(max_size=2000))
def test_what_is_sent_is_received(message: dict[str, object], block: bytes) -> None:
    reader, writer = os.pipe()
    channel = channel_of(reader, writer)
    channel.send(message, block)
    assert channel.receive(1.0) == (message, block)
    channel.close()


def test_a_frame_larger_than_a_pipe_holds_arrives_whole() -> None:
    reader, writer = os.pipe()
    channel = channel_of(reader, writer)
    block = bytes(range(256)) * 8192
    sender = threading.Thread(target=channel.send, args=({"do": "x"}, block))
    sender.start()
    assert channel.receive(10.0) == ({"do": "x"}, block)
    sender.join()
    channel.close()


def test_text_on_the_stream_is_no_frame(ends: tuple[Channel, int]) -> None:
    channel, writer = ends
    os.write(writer, b"Vendor SDK 1.0 loaded\n")
    with pytest.raises(ProtocolError, match="not a frame"):
        channel.receive(1.0)


@pytest.mark.parametrize(
    ("length", "block", "text"),
    [(1 << 30, 0, b""), (2, BLOCK_LIMIT + 1, b"{}"), (2, 0, b"{x"), (2, 0, b"[]"), (1, 0, b"\xff")],
    ids=["message too long", "block too long", "no JSON", "no object", "no UTF-8"],
)
def test_a_hostile_frame_is_refused(ends: tuple[Channel, int], length: int, block: int, text: bytes) -> None:
    channel, writer = ends
    os.write(writer, HEADER.pack(MAGIC, length, block) + text)
    with pytest.raises(ProtocolError):
        channel.receive(1.0)


def test_a_deeply_nested_message_is_refused(ends: tuple[Channel, int]) -> None:
    channel, writer = ends
    text = b"[" * 20_000
    os.write(writer, HEADER.pack(MAGIC, len(text), 0) + text)
    with pytest.raises(ProtocolError):
        channel.receive(1.0)


def test_a_stream_that_ends_inside_a_frame_is_closed() -> None:
    reader, writer = os.pipe()
    os.write(writer, HEADER.pack(MAGIC, 100, 0) + b"{")
    os.close(writer)
    with pytest.raises(ClosedError):
        channel_of(reader, os.open(os.devnull, os.O_WRONLY)).receive(1.0)


def test_silence_in_the_middle_of_a_frame_is_noticed(ends: tuple[Channel, int]) -> None:
    channel, writer = ends
    os.write(writer, HEADER.pack(MAGIC, 100, 0) + b"{")
    with pytest.raises(SilenceError):
        channel.receive(0.05)


def test_writing_to_nobody_is_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(ClosedError):
        channel_of(os.open(os.devnull, os.O_RDONLY), writer).send({"do": "x"})


def test_a_closed_channel_never_touches_the_descriptors_that_others_got_since() -> None:
    """The system hands the numbers out again at once: what another end says there is no answer to this one."""
    channel = channel_of(*os.pipe())
    channel.close()
    reader, writer = os.pipe()
    other = channel_of(reader, writer)
    other.send({"do": "another's"})
    for _ in range(2):
        with pytest.raises(ClosedError):
            channel.receive(0.5)
        with pytest.raises(ClosedError):
            channel.send({"do": "mine"}, timeout=0.5)
        channel.close()
    assert other.receive(1.0) == ({"do": "another's"}, b"")
    other.close()


@pytest.mark.parametrize(
    ("message", "block"),
    [({"a": float("nan")}, b""), ({"a": {1, 2}}, b""), ({"a": b"x"}, b""), ({"a": 1 << 20_000}, b""), ({}, bytes(9))],
    ids=["not finite", "a set", "bytes", "more digits than are read", "too large"],
)
def test_what_the_other_end_would_not_take_is_refused_before_a_byte_is_sent(
    ends: tuple[Channel, int], message: dict[str, Any], block: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame after it arrives whole."""
    monkeypatch.setattr("lpbench.worker.protocol.BLOCK_LIMIT", 8)
    channel, _ = ends
    with pytest.raises(LpbenchError, match="a message"):
        channel.send(message, block)
    channel.send({"next": 1})
    assert channel.receive(1.0) == ({"next": 1}, b"")
