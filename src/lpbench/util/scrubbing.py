"""Takes out of texts what tells whose machine they came from; what is replaced keeps its length, as columns do."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Self

COMMON = frozenset(
    {
        *("root", "user", "admin", "host", "home", "localhost", "localdomain", "linux", "debian", "ubuntu", "board"),
        *(
            "raspberrypi",
            "nvidia",
            "jetson",
            "tegra",
            "tegra-ubuntu",
            "imx",
            "stm32mp1",
            "atlas",
            "hwhiaiuser",
            "davinci",
        ),
        *("cpu", "gpu", "npu", "soc", "mem", "memory", "temp", "name", "power", "info", "none"),
    }
)
"""Names that many machines and users share, or that are words of the formats: they tell nothing and stay."""
SHORTEST = 3
"""Letters of a name that is taken out: shorter ones are parts of what sensors say."""
_SERIAL = re.compile(r"(\bserial\w*[^\n:=]{0,40}[:=][^\S\n]*)([^\n]+)", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_NETWORK = re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])", re.IGNORECASE)
_INTERNET = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_PRIVATE_FILE = re.compile(
    r"serial|uuid|guid|wwid|address|hostname|domainname|machine-id|boot_id|asset_tag|^cmdline$|^environ$", re.IGNORECASE
)
_PRIVATE_FOLDER = re.compile(r"^proc/(\d+|self|thread-self)(/|$)|(^|/)net/|^(home|root|tmp|var|media|mnt)(/|$)")


@dataclass(frozen=True)
class _Kind:
    """What is taken out.

    :param what: In words.
    :param pattern: What it looks like; where it has groups, the last one is replaced.
    :param letters: Which letters of it are replaced.
    """

    what: str
    pattern: re.Pattern[str]
    letters: re.Pattern[str] = re.compile(r"[0-9A-Za-z]")
    instead: str = "0"

    def replace(self, match: re.Match[str]) -> str:
        """Return what stands in the place of a match."""
        if not self.pattern.groups:
            return self.letters.sub(self.instead, match[0])
        return match[1] + self.letters.sub(self.instead, match[2])


KINDS = (
    _Kind("serial numbers", _SERIAL),
    _Kind("UUIDs", _UUID),
    _Kind("network addresses", _NETWORK),
    _Kind("internet addresses", _INTERNET),
)


class Scrubber:
    """Knows what to take out.

    :param names: Of machine and user.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        private = sorted({name.casefold() for name in names if _tells(name)}, key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, private))})(?!\w)", re.IGNORECASE)
        own = _Kind("names of this machine and its user", pattern, re.compile(r"\S"), "x")
        self._kinds = (own, *KINDS) if private else KINDS

    @classmethod
    def of_this_machine(cls) -> Self:
        """Return one that knows the names of this machine and its user."""
        return cls(_names())

    def scrub(self, text: str) -> tuple[str, list[str]]:
        """Return a text without what is private, and which kinds of it were in it."""
        found = []
        for kind in self._kinds:
            clean = kind.pattern.sub(kind.replace, text)
            if clean != text:
                found.append(kind.what)
            text = clean
        return text, found

    def private(self, file: str) -> bool:
        """Return whether a file is left out by its path below the root."""
        folders, _, name = file.rpartition("/")
        if _PRIVATE_FILE.search(name) or _PRIVATE_FOLDER.search(f"{folders}/"):
            return True
        return file.startswith("/") or ".." in file.split("/") or bool(self.scrub(file)[1])


def _tells(name: str) -> bool:
    return len(name) >= SHORTEST and name.casefold() not in COMMON and not name.isdigit()


def _names() -> Iterator[str]:
    """Yield the names of machine and user, whole and without a domain."""
    host = socket.gethostname()
    yield from (host, host.partition(".")[0])
    yield from (os.environ.get(variable, "") for variable in ("USER", "LOGNAME", "SUDO_USER", "USERNAME"))
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user whom the system does not know
        yield getpass.getuser()
    with contextlib.suppress(RuntimeError):
        yield Path.home().name
