"""Moves the protocol's streams out of the way of whatever prints in this process."""

from __future__ import annotations

import os

from lpbench.worker.protocol import Channel


def take_streams() -> Channel:
    """Keep the protocol's streams for ourselves; whoever prints from now on prints to standard error."""
    # Vendors print to standard output while they are imported, in the middle of a frame if it were left there.
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return Channel(os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0))
