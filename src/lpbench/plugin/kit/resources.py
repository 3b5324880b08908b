"""What a session holds on a device and in the vendor's libraries, released in order, also after errors."""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING

from lpbench.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Resources:
    """Calls that release what was acquired, made in reverse order; one that fails does not keep the others."""

    def __init__(self) -> None:
        self._releases: list[Callable[[], None]] = []

    def add(self, release: Callable[[], None]) -> None:
        """Remember how something is released: a call that raises ``EngineError`` if it cannot be."""
        self._releases.append(release)

    def close(self) -> None:
        """Release everything; a second call finds nothing left.

        :raises EngineError: The first failure.
        """
        releases, self._releases = self._releases, []
        failures = list(filter(None, map(_failure, reversed(releases))))
        if failures:
            raise failures[0]


@contextlib.contextmanager
def acquiring(first: Callable[[], None] | None = None) -> Iterator[Resources]:
    """Give resources to acquire in; if that fails, what was acquired is released, and the failure is raised.

    :param first: Called before the release after a failure, for libraries that remember their last error.
    """
    resources = Resources()
    try:
        yield resources
    except BaseException as error:
        let_go(error)
        with contextlib.suppress(EngineError):  # the first error is the one to know
            if first:
                first()
            resources.close()
        raise


def let_go(error: BaseException | None) -> None:
    """Clear what the calls that failed still hold, so that it can be released in order while the error is alive.

    A traceback keeps the local variables of every function that an error passed through, which may be the vendor's
    objects.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__


def _failure(release: Callable[[], None]) -> EngineError | None:
    """Release something; return the error if that fails."""
    try:
        release()
    except EngineError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the vendor's own: the rest is released all the same
        return EngineError(f"releasing raised {type(error).__name__}: {error}")
    return None
