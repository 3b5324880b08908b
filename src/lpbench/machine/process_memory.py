"""The memory of this process, from the kernel's counters."""

from __future__ import annotations

import contextlib
from pathlib import Path

KIB = 1024


def memory() -> dict[str, int]:
    """Return this process's resident memory and its high-water mark in bytes, from /proc/self/status."""
    fields = {"VmRSS:": "rss_bytes", "VmHWM:": "peak_bytes"}
    sizes = dict.fromkeys(fields.values(), 0)
    with contextlib.suppress(OSError), Path("/proc/self/status").open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            name, *rest = line.split()
            if name in fields:
                sizes[fields[name]] = int(rest[0]) * KIB
    return sizes


def reset_peak() -> None:
    """Reset the kernel's high-water mark of this process's memory to its current use."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
