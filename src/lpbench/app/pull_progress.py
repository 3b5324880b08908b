"""How far a pull from the catalogue is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress of a pull.

    :param entry: Name of the entry.
    :param step: ``wait`` (for another pull), ``fetch``, ``build`` or ``done``.
    :param thing: The file or recipe in question.
    :param done: Bytes fetched so far.
    :param total: Bytes to fetch; 0 for steps that fetch nothing.
    :param seconds: Since the step began.
    """

    entry: str
    step: str
    thing: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
