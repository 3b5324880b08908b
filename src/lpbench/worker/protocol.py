"""Frames between lpbench and its workers, over any pair of byte streams.

A frame is a header of twelve bytes (``LPBF``, length of a JSON object, length of
a block of bytes), the object and the block.  Both lengths have a limit: what
comes from the other end is not trusted.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

from lpbench.errors import LpbenchError

VERSION = 2
"""Both ends must speak the same version; it is the first thing that each says."""
MAGIC = b"LPBF"
HEADER = struct.Struct(">4sII")
MESSAGE_LIMIT = 64 << 20
BLOCK_LIMIT = 512 << 20
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
    """Sends and receives frames over two file descriptors."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, message: Message, block: bytes = b"", *, timeout: float | None = None) -> None:
        """Send one frame.

        :param timeout: Seconds until the other end must have taken all of it; None waits for ever.
        :raises ClosedError: Nobody reads at the other end.
        :raises SilenceError: The time is over: the other end stopped reading.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        # NaN is not JSON; whoever sends it has a fault to mend here rather than at the other end.
        text = json.dumps(message, allow_nan=False).encode()
        view = memoryview(HEADER.pack(MAGIC, len(text), len(block)) + text + block)
        try:
            while view:
                # A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and no more for certain.
                self._wait(self._writer, select.POLLOUT, deadline, "the other end stopped reading")
                view = view[os.write(self._writer, view if deadline is None else view[: select.PIPE_BUF]) :]
        except BrokenPipeError as error:
            raise ClosedError("the other end is gone") from error

    def receive(self, timeout: float | None = None) -> tuple[Message, bytes]:
        """Return the next frame.

        :param timeout: Seconds until a whole frame must be there; None waits for ever.
        :raises ClosedError: The stream ended.
        :raises SilenceError: The time is over.
        :raises ProtocolError: What came is no frame, or is too large.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        magic, length, extent = HEADER.unpack(self._read(HEADER.size, deadline))
        # Checked before anything is read: a length from outside must not decide how much memory is taken.
        if magic != MAGIC or length > MESSAGE_LIMIT or extent > BLOCK_LIMIT:
            raise ProtocolError(
                f"received {magic!r} with lengths {length} and {extent}, which is not a frame",
                hint="something in the worker writes to the protocol's stream",
            )
        return _decode(self._read(length, deadline)), self._read(extent, deadline)

    def close(self) -> None:
        """Close both descriptors."""
        for descriptor in {self._reader, self._writer}:
            os.close(descriptor)

    def _read(self, size: int, deadline: float | None) -> bytes:
        # A pipe gives what is there, which may be a part of a frame.
        parts = bytearray()
        while len(parts) < size:
            self._wait(self._reader, select.POLLIN, deadline, "the other end sent nothing in time")
            part = os.read(self._reader, min(size - len(parts), 1 << 20))
            if not part:
                raise ClosedError("the other end closed the stream")
            parts += part
        return bytes(parts)

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float | None, what: str) -> None:
        """Wait until a descriptor is ready.

        The deadline is that of the whole frame: a peer that sends or takes a byte now and then must not hold it open.
        """
        if deadline is None:
            return
        poll = select.poll()
        poll.register(descriptor, event | select.POLLHUP)
        if not poll.poll(min(LONGEST_WAIT, max(0.0, deadline - time.monotonic()) * MILLISECONDS)):
            raise SilenceError(what)


def _decode(text: bytes) -> Message:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"received a frame that is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"received a frame that is not a JSON object: {message!r:.80}")
    return message
