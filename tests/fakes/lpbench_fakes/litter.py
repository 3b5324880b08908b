"""Processes that a careless library starts and never ends: of every kind that a killer may miss."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)"]
DEAF = [*SLEEP[:-1], "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"]


def start(path: str) -> None:
    """Start them, and write their process ids to a file, one a line."""
    plain, deaf = subprocess.Popen(SLEEP), subprocess.Popen(DEAF)
    own_session = subprocess.Popen(SLEEP, start_new_session=True)
    pids = [plain.pid, deaf.pid, own_session.pid, _daemon(keeps_session=True), _daemon(keeps_session=False)]
    written = Path(f"{path}.new")
    written.write_text("\n".join(map(str, pids)), encoding="ascii")
    written.replace(path)


def _daemon(*, keeps_session: bool) -> int:
    """Return the process id of one that nobody below init has for a child, as daemon(3) makes it."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        if not keeps_session:
            os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.write(writer, str(os.getpid()).encode())
            os.close(writer)
            time.sleep(300)
        os._exit(0)
    os.close(writer)
    os.wait()
    return int(os.read(reader, 20))
