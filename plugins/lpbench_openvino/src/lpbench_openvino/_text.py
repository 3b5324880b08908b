"""Makes OpenVINO's error messages readable."""

from __future__ import annotations

import re

PLACES = re.compile(
    r"Exception from \S+:\d+:\s*"
    r"|Check '.*?' failed at \S+:\d+:\s*"
    r"|FrontEnd API failed with \w+:\s*"
    r"|Failed operations detailed log:.*?(?=Summary:)",
    re.DOTALL,
)
"""C++ file positions, conditions and codes, and the log of operators that failed only because others did."""


def plain_words(error: BaseException) -> str:
    """Return an error's message without C++ file positions."""
    return " ".join(PLACES.sub("", str(error)).split()).rstrip(".") or type(error).__name__
