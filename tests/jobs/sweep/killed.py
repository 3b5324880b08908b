"""Kills sweeps at every statement that they send to their file, in forked processes, and lets them go on.

``killed.py APP FOLDER`` prints, as JSON, for each statement at which one was killed: blocks that were kept, how often
configurations were measured afterwards, and what all rows came to.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parent))

import pretended  # type: ignore[import-not-found] # stands beside this program

import lpbench
from lpbench.jobs.sweep import begun

MOST = 300
SMALL = {"engines": pretended.ENGINES[:3], "threads": 1, "block": 1}


def killing(number: int) -> None:
    """Have this process kill itself before its statement of that number."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    seen = [0]

    def count(_: str) -> None:
        seen[0] += 1
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def connected(*given: object, **named: object) -> sqlite3.Connection:
        connection = connect(*given, **named)
        connection.execute("PRAGMA cache_size = 1")  # pages go to the disk before the end of a transaction
        connection.set_trace_callback(count)
        return connection

    mock.patch("sqlite3.connect", connected).start()


def killed(app: Path, folder: Path, number: int) -> bool:
    """Sweep in a process of its own, and say whether it was killed."""
    child = os.fork()
    if not child:
        killing(number)
        pretended.swept(app, folder, **SMALL)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(app: Path, place: Path) -> None:
    """Kill one at each statement, until one has no more."""
    same = {"hashes": {"machine": "this"}}  # it is looked at very often
    mock.patch("lpbench.machine.environment", return_value=same).start()
    found = []
    for number in range(1, MOST):
        folder, ledger = place / str(number), pretended.Ledger(place / f"{number}.ledger")
        pretended.pretend(ledger)
        if not killed(app, folder, number):
            break
        kept = begun(folder)
        done = lpbench.load_sweep(folder) if kept else None
        before = [row.configuration for row in done.rows if row.state == "OK"] if done else []
        ledger.file.write_text("", encoding="utf-8")
        again = pretended.swept(app, folder, **SMALL)
        found.append(
            {
                "statement": number,
                "before": before,
                "after": ledger.measured(),
                "rows": [row.configuration for row in again.rows],
                "complete": again.complete,
                "states": sorted({row.state for row in again.rows}),
            }
        )
    print(json.dumps(found))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
