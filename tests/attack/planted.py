"""Faults for the attacker to find: kinds that read nothing of lpbench and fail each in its own way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.attack.kinds import Kind

from lpbench.errors import ConfigError, LpbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

HUGE = 8 << 30


class Sound(Kind):
    """Refuses what is odd, and accepts what is even."""

    name: ClassVar[str] = "sound"

    def write(self, random: Random, folder: Path) -> None:
        """Write a number."""
        (folder / "number.txt").write_text(str(random.randrange(1000)), encoding="ascii")

    def read(self, folder: Path) -> Iterable[str]:
        """Read it."""
        number = int((folder / "number.txt").read_text(encoding="ascii"))
        if number % 2:
            raise ConfigError(f"{number} is odd")
        self.accepted(number)
        yield f"{number} is even"

    def accepted(self, number: int) -> None:
        """Do what is done with an even number."""


class Slow(Sound):
    """Takes its time."""

    name: ClassVar[str] = "slow"

    def accepted(self, number: int) -> None:
        """Wait a little."""
        time.sleep(0.05)


class Faulty(Sound):
    """Base of those that fail at every mutant."""

    def write(self, random: Random, folder: Path) -> None:
        """Write an even number."""
        (folder / "number.txt").write_text(str(random.randrange(0, 1000, 2)), encoding="ascii")


class Unexpected(Faulty):
    """Raises what is not lpbench's, at the same place each time."""

    name: ClassVar[str] = "unexpected"

    def accepted(self, number: int) -> None:
        """Look for what is not there."""
        raise KeyError(number)


class Looping(Faulty):
    """Computes for ever, and hides that it is stopped."""

    name: ClassVar[str] = "looping"
    cpu: ClassVar[float] = 0.5

    def accepted(self, number: int) -> None:
        """Spin."""
        while True:
            try:
                time.monotonic()
            except Exception:  # noqa: BLE001, S112, PERF203 - as careless code does
                continue


class Waiting(Faulty):
    """Waits for what never comes, without computing."""

    name: ClassVar[str] = "waiting"
    patience: ClassVar[float] = 1.5

    def accepted(self, number: int) -> None:
        """Sleep."""
        time.sleep(600)


class Hungry(Faulty):
    """Takes all memory."""

    name: ClassVar[str] = "hungry"

    def accepted(self, number: int) -> None:
        """Take it."""
        bytearray(HUGE)


class Escaping(Faulty):
    """Writes beside its folder."""

    name: ClassVar[str] = "escaping"

    def accepted(self, number: int) -> None:
        """Write there, which need not succeed."""
        try:
            Path("/nowhere/escaped").write_text("x", encoding="ascii")
        except OSError as error:
            raise LpbenchError(str(error)) from error


class Dying(Faulty):
    """Ends the process."""

    name: ClassVar[str] = "dying"

    def accepted(self, number: int) -> None:
        """Crash."""
        os.kill(os.getpid(), signal.SIGSEGV)


class Lacking(Sound):
    """Cannot be attacked here."""

    name: ClassVar[str] = "lacking"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        raise LpbenchError("there is no seed for it")


class Broken(Sound):
    """Fails before its first mutant, which is the attacker's own fault."""

    name: ClassVar[str] = "broken"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        raise TypeError("no such seed")


class Steering(Faulty):
    """Shows what a file says as it is."""

    name: ClassVar[str] = "steering"

    def read(self, folder: Path) -> Iterable[str]:
        """Return what acts on a terminal."""
        yield "\x1b[31mred"


class Starting(Faulty):
    """Starts a program while it reads."""

    name: ClassVar[str] = "starting"

    def accepted(self, number: int) -> None:
        """Start one."""
        os.posix_spawn("/bin/true", ["true"], {})


KINDS = (Sound, Slow, Unexpected, Looping, Waiting, Hungry, Escaping, Dying, Steering, Starting, Lacking, Broken)
