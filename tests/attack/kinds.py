"""What is attacked: kinds of readers, each with its seeds, its mutants and the calls that read them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    *(
        "apps",
        "results",
        "datasets",
        "data_sheets",
        "exchanged",
        "samples",
        "archives",
        "models",
        "wire",
        "monitors",
        "command_line",
        "plugins",
        "engines",
        "kills",
        "disks",
        "streams",
    ),
)
"""Modules of this package that have kinds."""
OF_PLUGINS = "plugins/*/tests/attacked.py"
"""Where plugins have theirs."""
INSTEAD = "LPBENCH_ATTACK_MODULE"
"""Variable with a module whose kinds are attacked in place of all others: faults that are planted for tests."""
STATUSES = frozenset({0, 1, 2, 3, 129, 130, 141, 143})
"""Exit statuses that docs/reference/cli.md knows."""


class CrashedError(Exception):
    """A worker ended, as workers may: its library is not ours."""


class WrongError(Exception):
    """Something went wrong that is told by other means than an exception; the first line is the cause."""


class Kind:
    """A reader of outside data under attack; an instance lives in one child process.

    :param home: An empty folder for what is made once; mutants have folders of their own.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules without which there is nothing to attack."""
    refusals: ClassVar[tuple[type[Exception], ...]] = (LpbenchError,)
    """What a refusal is raised as: errors of ours, and what a function's documentation names."""

    patience: ClassVar[float] = 30.0
    """Seconds that one mutant may take."""
    cpu: ClassVar[float] = 5.0
    """Seconds of CPU time that it may take, which are those of a busy machine too."""
    weight: ClassVar[float] = 1.0
    """Its share of the time, relative to the others."""
    kills: ClassVar[float] = 0.0
    """Of kinds that kill commands: how many there are for each kill that is asked for."""
    starts: ClassVar[bool] = False
    """Whether it starts workers, which then have memory of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def write(self, random: Random, folder: Path) -> None:
        """Write a mutant into an empty folder; the state of ``random`` decides which."""
        raise NotImplementedError

    def read(self, folder: Path) -> Iterable[str]:
        """Read the mutant as the project does, and return what a terminal would show of it."""
        raise NotImplementedError


def kinds() -> dict[str, type[Kind]]:
    """Return all kinds of readers by name: the core's, then those of the plugins beside it."""
    if INSTEAD in os.environ:
        return {kind.name: kind for kind in _of(os.environ[INSTEAD])}
    names = [f"tests.attack.{name}" for name in MODULES]
    names += [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(ROOT.glob(OF_PLUGINS))]
    return {kind.name: kind for name in names for kind in _of(name)}


def _of(module: str) -> tuple[type[Kind], ...]:
    found: tuple[type[Kind], ...] = importlib.import_module(module).KINDS
    return found


def missing(kind: type[Kind]) -> str:
    """Return which of the modules that a kind needs are not installed; empty if all are."""
    return ", ".join(name for name in kind.needs if importlib.util.find_spec(name) is None)


def command(folder: Path, *words: str) -> tuple[int, str]:
    """Run a command of lpbench in this process; returns its exit status, and what it printed on both streams.

    :param folder: For a file that takes the place of the streams.
    :raises AssertionError: The status is not documented.
    """
    from lpbench.cli import main

    path = folder / "streams.txt"
    with _streams(path):
        status = main(list(words))
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert status in STATUSES, f"exit status {status} of lpbench {words[0]}"
    return status, text


@contextlib.contextmanager
def _streams(path: Path) -> Iterator[None]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield
        assert sys.stdout is not stream


def pulled_configs() -> Iterator[Path]:
    """Yield the config files of apps in the user's cache: real ones, where there are any."""
    with contextlib.suppress(OSError):
        yield from sorted(_cache().glob("apps/*/ai_app_config.json"))


def _cache() -> Path:
    from tests.attack.sandbox import users_cache

    return users_cache()


def text_of(value: Any) -> str:
    """Return a value as a shell would show it."""
    return f"{value}\n{value!r}"
