"""What a reader may do while it reads a mutant: so much memory and time, files in its folder, no other program."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.util.processes import is_python

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = "LPBENCH_ATTACK_HOME"
"""Variable with the folder in which a child may write."""
CACHE = "LPBENCH_ATTACK_CACHE"
"""Variable with the user's cache folder, which is only read."""
MORE_MEMORY = 1 << 30
"""Bytes of address space that a reader gets beyond what the child has taken before."""
GROWTH = 384 << 20
"""Bytes by which reading one mutant may raise the high-water mark of resident memory."""
LONGEST_TEXT = 1 << 16
"""Characters of an error."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"), ((0, -1),)),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "open": ((0, None),),
}
"""Audit events that change the file system: places of each path and of the folder's descriptor that it is relative to,
the last argument where that is -1; ``open`` does not tell."""
PROGRAMS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"})
"""Audit events of starting something, or of asking the network."""


class OverTimeError(BaseException):
    """A mutant took too much CPU time; no ``except Exception`` may hide that."""


@dataclass
class Watch:
    """What the reader did that it must not do; empty if nothing."""

    wrongs: list[str] = field(default_factory=list)
    on: bool = False


def users_cache() -> Path:
    """Return the user's own cache of lpbench, from before the child got folders of its own."""
    return Path(os.environ.get(CACHE) or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lpbench"


def limit_memory() -> None:
    """Bound the address space of this process by what it has now, and some more."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def watched() -> Watch:
    """Note from now on what this process writes outside its folder and what it starts; the hook stays for good."""
    watch = Watch()
    home = Path(os.environ[HOME]).resolve()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watch.on or (event not in CHANGES and event not in PROGRAMS):
            return
        if event == "subprocess.Popen" and _is_worker(arguments[1]):
            return  # where what comes from outside belongs: validate builds an app's processors there
        if event in PROGRAMS:
            watch.wrongs.append(f"started something: {event}")
        elif event != "open" or (isinstance(arguments[2], int) and arguments[2] & WRITES):
            left = signal.setitimer(signal.ITIMER_PROF, 0)[0]  # the time that watching takes does not count
            watch.wrongs += [f"wrote {path}" for path in _paths(event, arguments) if not _allowed(path, home)]
            signal.setitimer(signal.ITIMER_PROF, left)

    sys.addaudithook(hook)
    return watch


def _is_worker(command: object) -> bool:
    words = [str(each) for each in command] if isinstance(command, (list, tuple)) else []
    return is_python(words) and words[2:] == ["-m", "lpbench.worker"]


def _paths(event: str, arguments: tuple[Any, ...]) -> Iterator[str]:
    for path, folder in ((arguments[at], None if of is None else arguments[of]) for at, of in CHANGES[event]):
        if isinstance(path, (str, bytes, os.PathLike)):
            relative = isinstance(folder, int) and folder >= 0 and event != "os.truncate"
            yield os.path.join(f"/proc/self/fd/{folder}" if relative else "", os.fsdecode(path))  # noqa: PTH118 - of texts


def _allowed(path: str, home: Path) -> bool:
    place = Path(path).parent.resolve() / Path(path).name
    return place.is_relative_to(home) or str(place) in {"/dev/null", "/dev/tty"}


@contextlib.contextmanager
def bounded(watch: Watch, seconds: float) -> Iterator[None]:
    """Give what runs inside a bound of CPU time, and watch it.

    :param seconds: The bound.
    :raises OverTimeError: The time is over.
    """
    signal.signal(signal.SIGPROF, _over_time)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    watch.wrongs.clear()
    watch.on = True
    try:
        yield
    finally:
        watch.on = False
        signal.setitimer(signal.ITIMER_PROF, 0)


def _over_time(_signal: int, _frame: object) -> None:
    raise OverTimeError("too much CPU time")


def peak() -> int:
    """Return the high-water mark of resident memory in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a text, in general and in this one."""

    what: str
    detail: str


def wrong_text(text: str, longest: int = 0) -> Wrong | None:
    """Return what a terminal must not be sent of a text; None if it may be.

    :param longest: Characters that it may have; 0 for any number.
    """
    if longest and len(text) > longest:
        return Wrong("too many characters", f"{len(text)} characters")
    text = text.replace("\r\n", "\n")
    found = next((at for at, letter in enumerate(text) if _steers(letter)), None)
    return None if found is None else Wrong("control characters", f"in {text[max(0, found - 60) : found + 20]!a}")


def _steers(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in {"Cc", "Cs"}
