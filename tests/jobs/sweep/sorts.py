"""An algorithm of a user: it answers, and ends in every way that an algorithm may end."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import lpbench
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from lpbench.plugin.algorithm import Values


def sort(size: int, kind: str, instance: int) -> object:
    """Return how good the answer is; some kinds do something else."""
    if kind == "crash":
        os.abort()
    if kind == "leave":
        sys.exit(3)
    if kind == "vanish":
        os._exit(0)
    if kind == "grow":
        bytearray(1 << 34)
    if kind == "hang":
        time.sleep(600)
    if kind == "raise":
        raise ArithmeticError("no\nway")
    if kind == "refuse":
        raise LpbenchError("not today", hint="come tomorrow")
    odd = {"nan": float("nan"), "word": "good", "nothing": None}
    return odd.get(kind, size + instance)


class Held(lpbench.Algorithm):
    """Holds some megabytes while it runs, and as many more before."""

    def prepare(self, values: Values, instance: int) -> bytes:
        """Return what is not counted."""
        return bytes(30_000_000)

    def run(self, values: Values, prepared: bytes) -> int:
        """Take memory."""
        return len(bytearray(int(values["megabytes"]) * 1_000_000))

    def judge(self, values: Values, prepared: bytes, answer: int) -> dict[str, float | None]:
        """Return what was taken."""
        return {"taken": answer}
