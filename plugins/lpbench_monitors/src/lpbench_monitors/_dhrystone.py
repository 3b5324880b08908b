"""DMIPS: the Dhrystone rating of the processor, by a program of the user's, once for each machine.

lpbench brings no Dhrystone.  A program called ``dhrystone`` on the PATH, or the one that ``LPBENCH_DHRYSTONE`` names
with its arguments, is run once; its rating is kept in lpbench's cache with the processor's model.  What is understood:
Weicker's Dhrystone 2.1 ("Dhrystones per Second: 12345678.9", "VAX MIPS rating = 7026.6") and UnixBench's dhry2reg
("COUNT|123456789|1|lps" and "TIME|10.0").  1 DMIPS is 1757 Dhrystones a second, those of a VAX 11/780.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin.monitor import Monitor, Reading, Unavailable
from lpbench.util.atomic_folders import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.monitor import Readings

METRIC = "DMIPS"
PROGRAM = "dhrystone"
VARIABLE = "LPBENCH_DHRYSTONE"
VAX_DHRYSTONES = 1757
"""Dhrystones a second of the machine that has 1 MIPS by definition."""
LEAST, MOST = 0.1, 1e7
TIMEOUT_S = 90.0
KEPT = "dhrystone.json"
LONGEST = 1 << 16
NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)"
RATING = re.compile(rf"(?:VAX\s*MIPS(?:\s*rating)?|DMIPS)\s*[=:]\s*{NUMBER}", re.IGNORECASE)
A_SECOND = re.compile(rf"Dhrystones\s+per\s+second\s*[=:]\s*{NUMBER}", re.IGNORECASE)
COUNT = re.compile(r"COUNT\|([0-9]{1,15})\|1\|lps")
TIME = re.compile(rf"TIME\|{NUMBER}")
HINT = f"put a Dhrystone 2.1 called {PROGRAM} on the PATH, or name one: {VARIABLE}='dhry2reg 10'"


class DhrystoneMonitor(Monitor):
    """Runs the program once, while nothing is timed; samples read nothing."""

    _found: Reading | Unavailable | None = None

    def sample(self) -> Readings:
        """Return nothing: a rating is no sample."""
        return {}

    def survey(self) -> Readings:
        """Return the rating, from the cache where this processor has one."""
        if self._found is None:
            self._found = self._rating()
        return {METRIC: self._found}

    def _rating(self) -> Reading | Unavailable:
        words = _words()
        if not words or not self.target.commands.installed(words[0]):
            return Unavailable(
                f"no Dhrystone rating of this machine is known: not installed: {PROGRAM}", "no-sensor", HINT
            )
        key = f"{_model(self.target.files.text('proc/cpuinfo') or '')} · {shlex.join(words)}"
        known = _kept().get(key) if self.target.files.here else None
        if known is not None:
            return _reading(known, f"{shlex.join(words)}, run before")
        found = self._run(words)
        if isinstance(found, Reading) and self.target.files.here:
            _keep(key, found.value)
        return found

    def _run(self, words: list[str]) -> Reading | Unavailable:
        answer = self.target.commands.run(*words, timeout=TIMEOUT_S)
        if isinstance(answer, Unavailable):
            return answer
        rating = parse(answer)
        if rating is None:
            return Unavailable(f"{shlex.join(words)} printed no Dhrystone rating", "not-read", HINT)
        return _reading(rating, shlex.join(words))


def parse(text: str) -> float | None:
    """Return the DMIPS that a Dhrystone program printed; None if it printed none that can be."""
    found = _first(RATING, text)
    if found is None and (rate := _first(A_SECOND, text)) is not None:
        found = rate / VAX_DHRYSTONES
    loops, seconds = _first(COUNT, text), _first(TIME, text)
    if found is None and loops is not None and seconds:
        found = loops / seconds / VAX_DHRYSTONES
    return found if found is not None and LEAST <= found <= MOST else None


def _first(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text[:LONGEST])
    return float(match[1]) if match else None


def _reading(dmips: float, source: str) -> Reading:
    return Reading(dmips, "1e6/s", "machine", source)


def _words() -> list[str]:
    """Return the program and its arguments."""
    try:
        return shlex.split(os.environ.get(VARIABLE, PROGRAM))
    except ValueError:  # a quotation mark without its pair
        return []


def _model(cpuinfo: str) -> str:
    """Return the processor's model; of Arm, its part number."""
    lines = dict(line.partition(":")[::2] for line in cpuinfo.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in lines.items()}
    return (
        fields.get("model name") or " ".join(fields.get(name, "") for name in ("CPU implementer", "CPU part")).strip()
    )


def _kept() -> dict[str, float]:
    """Return the ratings in the cache; none where it cannot be read."""
    try:
        found = json.loads(_place().read_bytes()[:LONGEST])
    except (OSError, ValueError, LpbenchError, RecursionError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in items if isinstance(value, float) and LEAST <= value <= MOST}


def _keep(key: str, dmips: float) -> None:
    """Add a rating to the cache; where it cannot be written, the program runs again next time."""
    try:
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({**_kept(), key: dmips}), encoding="utf-8")
        fresh.replace(place)
    except (OSError, LpbenchError):
        return


def _place() -> Path:
    return cache_folder() / KEPT
