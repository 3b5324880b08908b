"""A program ``atc`` for tests of what may go wrong around it: it notes its options and does what a test tells it."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

from plugins.lpbench_acl.tests.test_om import offline_model

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

STARTED = "ATC start working now, please wait for a moment."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
SCRIPT = """#!{python}
import json, os, pathlib, shutil, sys, time
home = pathlib.Path({home!r})
(home / "pid").write_text(str(os.getpid()))
(home / "words").write_text(json.dumps(sys.argv[1:]))
for name in os.listdir():
    if os.path.isfile(name):
        shutil.copy(name, home / ("seen " + name))
said = dict(word[2:].partition("=")[::2] for word in sys.argv[1:])
print({started!r}, flush=True)
{body}
"""
MAKES = "shutil.copy(home / 'whole.om', said['output'] + '.om')"
"""What a successful run does, and nothing else."""


class Stub:
    """Puts an ``atc`` onto PATH.

    :param folder: An empty one.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder
        self.program = folder / "toolkit" / "bin" / "atc"
        self.program.parent.mkdir(parents=True)
        (folder / "toolkit" / "version.cfg").write_text("toolkit_installed_version=[1.2:8.0.0]\n", encoding="utf-8")
        offline_model(folder / "whole.om")
        monkeypatch.setenv("PATH", f"{self.program.parent}:/usr/bin:/bin")
        self.does(MAKES)

    def does(self, body: str) -> str:
        """Have it run some lines of Python, which know ``home`` and its options as ``said``; return its path."""
        text = SCRIPT.format(python=sys.executable, home=str(self.home), started=STARTED, body=body)
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        return str(self.program)

    @property
    def words(self) -> list[str]:
        """The options of the last run."""
        found: list[str] = json.loads((self.home / "words").read_text(encoding="utf-8"))
        return found

    @property
    def pid(self) -> int:
        """The process of the last run."""
        return int((self.home / "pid").read_text(encoding="utf-8"))

    def seen(self, name: str) -> Path:
        """Return a copy of a file that lay in the folder of the last run."""
        return self.home / f"seen {name}"
