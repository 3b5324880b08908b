"""Exceptions that an engine lets through, told with the engine, the file and what was raised."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.errors import EngineFaultError, LpbenchError
from lpbench.util.text import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 2_000
"""Characters of the library's own words."""


@contextlib.contextmanager
def told(engine: str, what: str, path: Path | None = None) -> Iterator[None]:
    """Make an error of ours of any exception that is none.

    :param engine: Its name; empty for an instance that the caller passed, whose exceptions stay as they are.
    :param what: What it was asked for: ``open`` or ``describe``.
    :param path: The model's file, where it is known.
    :raises EngineFaultError: The engine raised something that is no error of ours.
    """
    try:
        yield
    except LpbenchError:
        raise
    except Exception as error:
        if not engine:
            raise
        raise EngineFaultError(
            f'raised {type(error).__name__} in {what}() of engine "{engine}": {words_of(error, LONGEST)}',
            where=str(path or ""),
            hint="the model may be damaged: fetch or export it again; the engine's plugin should have said so",
        ) from error
