"""A missing value and the reason why it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "unavailable",  # nothing more is known than the reason's words
    "too-few-samples",
    "too-few-runs",
    "autocorrelated",  # samples follow one another
    "undefined",  # no such value exists: a spread of one value, a ratio to 0
    "too-short",  # for the clock
    "not-read",  # the system does not tell
    "not-installed",  # what would tell is not installed
    "not-comparable",  # it is known, and says nothing here
    "failed",  # what was to compute it failed
    "mismatch",  # predictions and truth are not of the kind that it compares
    "not-here",  # this machine lacks the source altogether
    "other-machine",  # what would tell is for another kind of machine
    "not-supported",  # the device or its driver says that it does not tell
    "no-permission",  # this user may not read it
    "no-sensor",  # the hardware is known to have none
]
"""Why a value is not there, for programs."""


@dataclass(frozen=True)
class Unavailable:
    """A value that is not available here, and why.

    :param reason: In words.
    :param code: For programs.
    :param hint: What the user can do about it; empty where nothing is known.
    """

    reason: str
    code: Code = "unavailable"
    hint: str = ""
