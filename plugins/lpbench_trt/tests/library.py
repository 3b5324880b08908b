"""A library on the module search path of processes that are started for it: NVIDIA's, or the fake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUILD_ALL = Path(__file__).with_name("build_all.py")


@dataclass(frozen=True)
class Library:
    """The library, ready to be imported by processes that are started for it.

    :param site: To be put on the module search path.
    :param folder: Cache and working folder of these processes.
    :param variables: Of their environment.
    """

    site: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run this Python with the library on its path and a cache of its own."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.site),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **self.variables,
        }
        return subprocess.run(
            [sys.executable, *map(str, command)],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=250,
        )

    def ask(self, *command: str | Path) -> Any:
        """Run this Python; return the JSON that it prints."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def build(self, folder: Path, requests: Sequence[Any]) -> Mapping[str, Any]:
        """Return what becomes of models that are converted to plans; see ``build_all.py``."""
        told: Mapping[str, Any] = self.ask(BUILD_ALL, folder, json.dumps(requests))
        return told
