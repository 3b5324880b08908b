"""The formats of /proc/stat and of files of /proc/PID (Documentation/filesystems/proc.rst, man 5 proc)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MB_PER_KIB = 1024 / 1e6
MOST_CORES = 40
"""Cores that are told apart; the load of all of them counts in any case."""
MOST_DIGITS = 15
"""Of a number; what has more is none that a kernel of this age has counted to."""
_USED = (0, 1, 2, 5, 6)
"""Fields of a line of /proc/stat: user, nice, system, irq, softirq; guest time, further on, is part of user time."""
_FIELDS = 8
"""Those, idle, iowait and steal: the time that another virtual machine took."""
_ENDED = ("Z", "X", "x")
"""States of a process that is no more than an entry in its parent's table."""


@dataclass(frozen=True)
class CoreTime:
    """Ticks of one core since the machine started; what other virtual machines took is part of the total alone."""

    busy: int
    total: int


@dataclass(frozen=True)
class MachineStat:
    """What /proc/stat tells.

    :param busy: Ticks of all cores.
    :param count: Number of cores that are online.
    :param cores: By number, of at most ``MOST_CORES`` cores.
    """

    busy: int
    count: int
    cores: Mapping[int, CoreTime]


@dataclass(frozen=True)
class ProcessStat:
    """What /proc/PID/stat tells of a process with all of its threads, those that have ended included.

    :param started: Ticks from the start of the machine to that of the process: two processes that had the same id one
        after the other differ in it.
    """

    state: str
    minor_faults: int
    major_faults: int
    ticks: int
    started: int

    @property
    def ended(self) -> bool:
        """Whether it has ended and only its parent has not noticed."""
        return self.state in _ENDED


def count(text: str, digits: int = MOST_DIGITS) -> int | None:
    """Return a number that a kernel counted, or None if the text is not one."""
    return int(text) if len(text) <= digits and text.isascii() and text.isdigit() else None


def machine_stat(text: str | None) -> MachineStat | None:
    """Return what /proc/stat tells, or None if the text is not of its format."""
    lines = [line for line in (text or "").partition("\nintr")[0].splitlines() if line.startswith("cpu")]
    whole = _core_time(lines[0]) if lines and lines[0].startswith("cpu ") else None
    if whole is None:
        return None
    cores = {core: time for line in lines[1 : 1 + MOST_CORES] for core, time in _core(line)}
    return MachineStat(whole.busy, max(1, len(lines) - 1), cores)


def _core(line: str) -> Iterable[tuple[int, CoreTime]]:
    number, time = count(line.partition(" ")[0].removeprefix("cpu")), _core_time(line)
    return [] if number is None or time is None else [(number, time)]


def _core_time(line: str) -> CoreTime | None:
    fields = [number for word in line.split()[1 : 1 + _FIELDS] if (number := count(word)) is not None]
    if len(fields) < _FIELDS:
        return None
    return CoreTime(sum(fields[index] for index in _USED), sum(fields))


def process_stat(text: str | None) -> ProcessStat | None:
    """Return what /proc/PID/stat tells, or None if the text is not of its format."""
    fields = (text or "").rpartition(")")[2].split()  # the process's name stands in parentheses and may hold some
    numbers = [count(word) for word in (*fields[7:8], *fields[9:10], *fields[11:13], *fields[19:20])]
    known = [number for number in numbers if number is not None]
    if len(known) < len(("minflt", "majflt", "utime", "stime", "starttime")):
        return None
    minor, major, user, system, started = known
    return ProcessStat(fields[0], minor, major, user + system, started)


def named_counts(text: str | None, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of lines such as ``VmRSS:  1234 kB`` that have one of these names."""
    wanted, found = set(names), {}
    for line in (text or "").splitlines():
        name, _, rest = line.partition(":")
        if name in wanted and (number := count(rest.split(maxsplit=1)[0] if rest.strip() else "")) is not None:
            found[name] = number
    return found


def switches(text: str | None) -> tuple[int, int] | None:
    """Return how often a thread gave its core up and how often it was taken away, from its status file's end."""
    words = (text or "").rpartition("\nvoluntary_ctxt_switches:")[2].split()
    numbers = [count(word) for word in words[:3:2]]
    if len(numbers) != 2 or words[1] != "nonvoluntary_ctxt_switches:":  # noqa: PLR2004 - the two of the name
        return None
    voluntary, involuntary = numbers
    return None if voluntary is None or involuntary is None else (voluntary, involuntary)
