"""A fake of a vendor's library, installed for one test: here, and in the processes that the test starts."""

from __future__ import annotations

import abc
import gc
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.testing import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from lpbench.testing.ledger import Entry

SECONDS = 120
"""How long code in another process may take."""


@dataclass
class FakeLibrary(abc.ABC):
    """Sets what the fake is like, and reads its ledger.

    :param ledger: The file of FAKE_LEDGER.
    :param patch: Sets variables of the environment for the length of the test.
    """

    ledger: Path
    patch: pytest.MonkeyPatch

    @abc.abstractmethod
    def report(self) -> list[Entry]:
        """Return the account of this process since it began."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Begin a new account in this process."""

    def install(self, folder: Path, **variables: object) -> None:
        """Have this process, and those started from now on, find the fake in a folder and keep the ledger.

        :param variables: Variables of the fake, as for ``set``.
        """
        self.patch.syspath_prepend(str(folder))
        self.patch.setenv("PYTHONPATH", _search_path(folder))
        self.set(ledger=self.ledger, **variables)

    def set(self, **variables: object) -> None:
        """Set variables of the fake, here and in processes started from now on.

        :param variables: Without FAKE_, in lower case, for example ``device_memory=1 << 20``.
        """
        for name, value in _given(variables):
            self.patch.setenv(name, value)

    def fail_at(self, number: int) -> None:
        """Begin a new account in which this call fails, counted from 1; none with 0."""
        self.set(fail_at=number)
        self.begin()

    def calls(self) -> list[str]:
        """Return the names of the functions that this process has called."""
        return ledger.calls(self.report())

    def wrong(self) -> list[str]:
        """Return in words what speaks against this process: misuse, warnings, and what is not released."""
        gc.collect()
        return ledger.wrong(self.report())

    def written(self) -> list[Entry]:
        """Return the account of all processes, this one included; of calls those that are written by now."""
        return ledger.entries(self.ledger.read_text(encoding="utf-8")) if self.ledger.exists() else []

    def run_in_process(self, code: str, paths: Iterable[Path], **variables: object) -> list[Entry]:
        """Run code in a Python process of its own; returns what it left in the ledger, which begins empty.

        :param paths: Folders for its module search path, before those of this process.
        :param variables: Variables of the fake, as for ``set``.
        """
        self.ledger.unlink(missing_ok=True)
        environment = os.environ | dict(_given({"ledger": self.ledger, **variables}))
        environment["PYTHONPATH"] = _search_path(*paths)
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=False, timeout=SECONDS, capture_output=True, text=True
        )
        if ran.returncode:
            raise AssertionError(ran.stderr)
        return self.written()


def _search_path(*folders: Path) -> str:
    """Return the variable of the search path with these folders before those that it has."""
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH", "")])])


def _given(variables: dict[str, object]) -> Iterable[tuple[str, str]]:
    return [(f"FAKE_{name.upper()}", str(value)) for name, value in variables.items()]
