"""Which board a machine is, by its device tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.plugin.monitor import FileTree

MODEL = "proc/device-tree/model"
LONGEST = 80


def model(files: FileTree) -> str:
    """Return the board's name, printable; empty where there is no device tree."""
    name = (files.text(MODEL) or "")[:LONGEST]
    return "".join(letter if letter.isprintable() else "?" for letter in name)
