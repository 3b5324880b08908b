"""What a worker is asked to run of an algorithm, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - messages are read by their annotations
from dataclasses import dataclass, field

Value = int | float | str


@dataclass(frozen=True)
class Request:
    """One run of one configuration.

    :param name: The algorithm's, for errors.
    :param target: Import path of an ``Algorithm``; or
    :param file: a file of Python with ``function``, a callable or an ``Algorithm``; or
    :param command: a command line with ``{NAME}`` where values go.
    :param folder: Where a command runs.
    :param targets: Names of what the algorithm states itself.
    :param memory: Bytes of address space that it may take.
    """

    name: str
    targets: tuple[str, ...] = ()
    instances: int = 1
    memory: int = 0
    target: str = ""
    file: str = ""
    function: str = ""
    command: tuple[str, ...] = ()
    folder: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """What one run gave.

    :param seconds: Of each instance.
    :param memory_bytes: Peak of what the untimed first run took; None where the system does not tell.
    :param targets: Of each instance, by name; None where an answer has no such value.
    """

    seconds: tuple[float, ...]
    memory_bytes: int | None = None
    targets: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
