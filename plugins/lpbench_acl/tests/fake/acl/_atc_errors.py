"""What ATC says when it fails: a code, the reason, and what to do."""

from __future__ import annotations

import os
import time


class AtcError(Exception):
    """A failure with its code.

    :param solution: What the tool advises; empty if nothing.
    """

    def __init__(self, code: str, reason: str, solution: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.solution = code, reason, solution

    def block(self) -> str:
        """Return the text as it stands on standard output."""
        stamp = time.strftime("%Y-%m-%d-%H:%M:%S")
        lines = [f"{self.code}: [PID: {os.getpid()}] {stamp}.123.456 {self.reason}"]
        if self.solution:
            lines.append(f"        Solution: {self.solution}")
        lines.append("        TraceBack (most recent call last):")
        lines.append("        [fake][FUNC:main][FILE:main_impl.cc][LINE:1]")
        return "\n".join(lines) + "\n"


def invalid(option: str, given: str, reason: str) -> AtcError:
    """Return the error of a value that does not fit."""
    return AtcError("E10001", f"Value {given} for parameter --{option} is invalid. Reason: {reason}")
