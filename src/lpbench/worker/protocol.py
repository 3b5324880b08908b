"""Frames between lpbench and its workers, over any pair of byte streams.

A frame is a header of twelve bytes (``LPBF``, length of a JSON object, length of
a block of bytes), the object and the block.  Both lengths have a limit: what
comes from the other end is not trusted.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import struct
import time
from typing import IO, Any

from lpbench.errors import LpbenchError

VERSION = 4
"""Both ends must speak the same version; it is the first thing that each says.  It goes up whenever a request or an
answer changes: the two ends may be of different versions of lpbench, in environments of their own."""
MAGIC = b"LPBF"
HEADER = struct.Struct(">4sII")
MESSAGE_LIMIT = 64 << 20
BLOCK_LIMIT = 512 << 20
PRINTED_LIMIT = 1 << 16
"""Bytes that may come before the first frame."""
MILLISECONDS = 1000
LONGEST_WAIT = 2**31 - 1
"""Milliseconds that poll(2) takes at most: some 24 days."""

Message = dict[str, Any]


class ProtocolError(LpbenchError):
    """The other end sent something that is no frame."""


class ClosedError(LpbenchError):
    """The other end closed the stream."""


class SilenceError(LpbenchError):
    """The other end sent or took nothing in time."""


class Channel:
    """Sends and receives frames over two unbuffered streams, which belong to it and which it alone closes.

    Streams rather than numbers of descriptors: the number of one that is closed may be that of another worker's.

    :param peer: A stream that can be read as soon as the process at the other end has ended, if there is one: the
        ends of pipes do not tell while another process has inherited them.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes], peer: IO[bytes] | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._peer = peer

    def send(self, message: Message, block: bytes = b"", *, timeout: float | None = None) -> None:
        """Send one frame.

        :param timeout: Seconds until the other end must have taken all of it; None waits for ever.
        :raises ClosedError: Nobody reads at the other end, or this end was closed.
        :raises SilenceError: The time is over: the other end stopped reading.
        :raises LpbenchError: It makes no frame that the other end would take; nothing was sent.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        view = memoryview(_encode(message, block))
        try:
            while view:
                # A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and no more for certain.
                self._wait(self._writer, select.POLLOUT, deadline, "the other end stopped reading")
                view = view[self._writer.write(view if deadline is None else view[: select.PIPE_BUF]) :]
        except (OSError, ValueError) as error:  # ValueError: it is closed
            raise ClosedError("the other end is gone") from error

    def receive(self, timeout: float | None = None) -> tuple[Message, bytes]:
        """Return the next frame.

        :param timeout: Seconds until a whole frame must be there; None waits for ever.
        :raises ClosedError: The stream ended, or this end was closed.
        :raises SilenceError: The time is over.
        :raises ProtocolError: What came is no frame, or is too large.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        return self._frame(self._read(HEADER.size, deadline), deadline)

    def receive_first(self, timeout: float) -> Message:
        """Return the first message, past what a Python prints at its start before anybody takes its streams.

        Parameters and errors are those of ``receive``.
        """
        deadline = time.monotonic() + timeout
        found, passed = self._read(len(MAGIC), deadline), 0
        while found != MAGIC and passed < PRINTED_LIMIT:
            found, passed = found[1:] + self._read(1, deadline), passed + 1
        message, _ = self._frame(found + self._read(HEADER.size - len(MAGIC), deadline), deadline)
        return message

    def _frame(self, header: bytes, deadline: float | None) -> tuple[Message, bytes]:
        magic, length, extent = HEADER.unpack(header)
        # Checked before anything is read: a length from outside must not decide how much memory is taken.
        if magic != MAGIC or length > MESSAGE_LIMIT or extent > BLOCK_LIMIT:
            raise ProtocolError(
                f"received {magic!r} with lengths {length} and {extent}, which is not a frame",
                hint="something in the worker writes to the protocol's stream",
            )
        return _decode(self._read(length, deadline)), self._read(extent, deadline)

    def close(self) -> None:
        """Close both streams for good; twice is allowed."""
        self.close_writer()
        for stream in filter(None, (self._reader, self._peer)):
            with contextlib.suppress(OSError):
                stream.close()

    def close_writer(self) -> None:
        """Tell the other end that nothing more will be sent."""
        with contextlib.suppress(OSError):
            self._writer.close()

    def _read(self, size: int, deadline: float | None) -> bytes:
        # A pipe gives what is there, which may be a part of a frame.
        parts = bytearray()
        while len(parts) < size:
            try:
                self._wait(self._reader, select.POLLIN, deadline, "the other end sent nothing in time")
                part = self._reader.read(min(size - len(parts), 1 << 20))
            except (OSError, ValueError) as error:  # ValueError: it is closed
                raise ClosedError("the stream cannot be read any more") from error
            if not part:
                raise ClosedError("the other end closed the stream")
            parts += part
        return bytes(parts)

    def _wait(self, stream: IO[bytes], event: int, deadline: float | None, what: str) -> None:
        """Wait until a stream is ready.

        The deadline is that of the whole frame: a peer that sends or takes a byte now and then must not hold it open.
        """
        if deadline is None:
            return
        poll = select.poll()
        poll.register(stream, event | select.POLLHUP)
        if self._peer is not None:
            poll.register(self._peer, select.POLLIN)
        ready = poll.poll(min(LONGEST_WAIT, max(0.0, deadline - time.monotonic()) * MILLISECONDS))
        if not ready:
            raise SilenceError(what)
        if self._peer is not None and [number for number, _ in ready] == [self._peer.fileno()]:
            raise ClosedError("the other end is gone")


def _encode(message: Message, block: bytes) -> bytes:
    try:
        text = json.dumps(message, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LpbenchError(f"a message cannot be sent as JSON: {error}") from error
    for what, size, most in (("JSON", len(text), MESSAGE_LIMIT), ("tensors", len(block), BLOCK_LIMIT)):
        if size > most:
            raise LpbenchError(f"a message with {size >> 20} MiB of {what}; at most {most >> 20} MiB can be sent")
    return HEADER.pack(MAGIC, len(text), len(block)) + text + block


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _decode(text: bytes) -> Message:
    try:
        message = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"received a frame that is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"received a frame that is not a JSON object: {message!r:.80}")
    return message
