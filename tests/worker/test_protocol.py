"""Frames over real pipes."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.worker.protocol import BLOCK_LIMIT, HEADER, MAGIC, Channel, ClosedError, ProtocolError, SilenceError

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, int]]:
    """Return a channel and the descriptor that writes to it."""
    reader, writer = os.pipe()
    yield Channel(reader, writer), writer
    os.close(reader)
    os.close(writer)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.binary(max_size=2000))
def test_what_is_sent_is_received(message: dict[str, object], block: bytes) -> None:
    reader, writer = os.pipe()
    channel = Channel(reader, writer)
    channel.send(message, block)
    assert channel.receive(1.0) == (message, block)
    channel.close()


def test_a_frame_larger_than_a_pipe_holds_arrives_whole() -> None:
    reader, writer = os.pipe()
    channel = Channel(reader, writer)
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
        Channel(reader, reader).receive(1.0)
    os.close(reader)


def test_silence_in_the_middle_of_a_frame_is_noticed(ends: tuple[Channel, int]) -> None:
    channel, writer = ends
    os.write(writer, HEADER.pack(MAGIC, 100, 0) + b"{")
    with pytest.raises(SilenceError):
        channel.receive(0.05)


def test_writing_to_nobody_is_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(ClosedError):
        Channel(writer, writer).send({"do": "x"})
    os.close(writer)
