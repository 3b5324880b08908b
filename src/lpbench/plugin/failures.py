"""What went wrong with a plugin, as a record."""

from __future__ import annotations

from lpbench.util.text import abridge

LONGEST = 1_000
"""Characters of a reason that are kept: an exception may quote a whole file."""


def reason_of(error: BaseException) -> str:
    """Return type and message of an error that a plugin raised; its ``__str__`` may raise or return nonsense."""
    try:
        message = str(error)
    except Exception as another:  # noqa: BLE001 - a third party's code may raise anything
        message = f"its message cannot be read: {type(another).__name__}"
    return abridge(f"{type(error).__name__}: {message}", LONGEST)


class Failure:
    """A plugin, or one of its offers, that cannot be used, and why.

    :param plugin: The entry point's name.
    :param distribution: Name and version of the distribution that provides it.
    :param error: The exception raised.
    """

    def __init__(self, plugin: str, distribution: str, error: BaseException) -> None:
        self.plugin = plugin
        self.distribution = distribution
        self.error = error
        self.reason = reason_of(error)

    def __repr__(self) -> str:
        return f"<Failure {self}>"

    def __str__(self) -> str:
        origin = f" ({self.distribution})" if self.distribution else ""
        return f"{self.plugin}{origin}: {self.reason}"
