"""A limit of this process's memory."""

from __future__ import annotations

import contextlib


def limit_memory(most: int) -> None:
    """Have allocations fail beyond a number of bytes of address space, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a lower limit is set already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))
