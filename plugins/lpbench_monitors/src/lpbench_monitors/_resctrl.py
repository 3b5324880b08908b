"""Memory bandwidth from resctrl (Documentation/arch/x86/resctrl.rst): bytes of each L3 cache's domain, since the start.

Each sample gives the mean bandwidth since the one before; the first sample has none.  The kernel counts by group of
tasks, and the groups' sum is the machine's; groups that are made while it watches are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench_monitors._parts import part_name
from lpbench_monitors._proc import count

if TYPE_CHECKING:
    from typing_extensions import Self

    from lpbench.plugin.monitor import FileTree, Readings

METRIC = "MEMORY_BANDWIDTH"
ROOT = "sys/fs/resctrl"
FILE = "mbm_total_bytes"
PATTERNS = ("mon_data/mon_L3_*", "*/mon_data/mon_L3_*")
"""Of the group that everything belongs to at first, and of the groups that were made beside it."""
MOST_DOMAINS, MOST_FILES = 40, 320
MOST_MB_S = 1e8
DIGITS = 20
"""Of 64 bits: a server moves more than 15 digits tell in a few hours."""
AGAIN_S = 10.0
"""Seconds after which domains are looked for again where one does not tell: groups of tasks come and go."""
WORDS = {
    "Unavailable": Unavailable("the processor has no value for resctrl at the moment", "not-read"),
    "Error": Unavailable("the processor reports an error of its bandwidth counter", "failed"),
    "Unassigned": Unavailable(
        "no hardware counter is assigned to the group", "not-read", f"see /{ROOT}/info/L3_MON/mbm_assign_mode"
    ),
}
"""What the kernel writes instead of a number."""


class ResctrlMonitor(Monitor):
    """Reads the bytes that each L3 cache exchanged with memory."""

    _files: tuple[str, ...] = ()
    _last: dict[str, int] | None = None
    _at = 0.0
    _again = 0.0

    def __enter__(self) -> Self:
        """Look for domains."""
        self._look()
        return self

    def _look(self) -> None:
        self._again = self.target.clock() + AGAIN_S
        names = (f"{folder}/{FILE}" for pattern in PATTERNS for folder in self.target.files.names(ROOT, pattern))
        self._files = tuple(name for name in names if self.target.files.exists(name))[:MOST_FILES]
        self._last = None

    def sample(self) -> Readings:
        """Return the bandwidth since the last sample in MB/s, and that of each domain."""
        if self._last is None and self.target.clock() >= self._again:
            self._look()
        if not self._files:
            return {METRIC: _nothing(self.target.files)}
        counts = {file: _bytes(self.target.files, file) for file in self._files}
        now = self.target.clock()
        known = {file: number for file, number in counts.items() if isinstance(number, int)}
        why = next((number for number in counts.values() if isinstance(number, Unavailable)), None)
        before, seconds = self._last, now - self._at
        self._last, self._at = (known, now) if why is None else (None, now)
        if why is not None:  # a sum without it would be too small
            return {METRIC: why}
        return {} if before is None else _readings(before, known, seconds)


def _nothing(files: FileTree) -> Unavailable:
    if files.names(ROOT, "mon_data/mon_L3_*") or files.exists(f"{ROOT}/schemata"):
        return Unavailable(
            f"the processor counts no memory bandwidth: no {FILE} under /{ROOT}/mon_data", "not-supported"
        )
    if files.exists(ROOT):
        hint = f"sudo mount -t resctrl resctrl /{ROOT}"
        return Unavailable(f"resctrl is not mounted at /{ROOT}", "not-here", hint)
    return Unavailable(f"there is no /{ROOT}: the processor or the kernel lacks resctrl", "not-here")


def _bytes(files: FileTree, file: str) -> int | Unavailable:
    text = files.text(file) or ""
    number = count(text, DIGITS)
    if number is not None:
        return number
    return WORDS.get(text) or files.missing(file)


def _readings(before: dict[str, int], now: dict[str, int], seconds: float) -> Readings:
    grown = {file: number - before[file] for file, number in now.items() if file in before}
    total = sum(grown.values())
    if seconds <= 0 or min(grown.values(), default=-1) < 0 or total / seconds / 1e6 > MOST_MB_S:
        return {METRIC: Unavailable("a counter of resctrl went back, or moved more than a memory can", "not-read")}
    domains: dict[str, int] = {}
    for file, number in grown.items():
        domains[_domain(file)] = domains.get(_domain(file), 0) + number
    parts = domains if 1 < len(domains) <= MOST_DOMAINS else {}
    values = {METRIC: total, **{f"{METRIC}/{domain}": number for domain, number in parts.items()}}
    return {
        name: Reading(
            number / seconds / 1e6, "MB/s", "machine" if name == METRIC else "package", f"/{ROOT}/mon_data/*/{FILE}"
        )
        for name, number in values.items()
    }


def _domain(file: str) -> str:
    """Return ``L3 0`` of ``…/mon_data/mon_L3_00/mbm_total_bytes``."""
    number = file.split("/")[-2].removeprefix("mon_L3_")
    return part_name(f"L3 {int(number) if count(number) is not None else number}")
