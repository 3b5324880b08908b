"""Runs the commands of the README's section "Use" from top to bottom, as they are written.

They run in an empty folder beside whose ``.venv`` the environment of this checkout stands, on the apps and
conversions in the user's cache.  What follows "These need more" is not run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FAILS = "exit status 1 if"
"""In a line's comment: its status may be 1."""


class Block(NamedTuple):
    """A block of code in the README."""

    language: str
    code: str


def blocks(readme: str) -> list[Block]:
    """Return the blocks that run after the demo."""
    section = readme.partition("\n## Use\n")[2].partition("\n## ")[0].partition("\nThese need more")[0]
    return [Block(*found) for found in re.findall(r"```(sh|python)\n(.*?)```", section, flags=re.DOTALL)]


def script(block: Block) -> str:
    """Return a block as a script that stops at the first line that fails, and names it."""
    if block.language == "python":
        return f"python -c {shlex.quote(block.code)}"
    lines = block.code.splitlines()
    checked = [f"{line}\n[ $? -le {int(FAILS in line)} ] || failed {shlex.quote(line)}" for line in lines]
    return "\n".join(['failed() { echo "failed: $1" >&2; exit 1; }', *checked])


def main() -> int:
    """Run every block in one shell and return its exit status."""
    whole = "\n".join(map(script, blocks((ROOT / "README.md").read_text(encoding="utf-8"))))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".venv").symlink_to(ROOT / ".venv")
        environment = {**os.environ, "XDG_DATA_HOME": str(Path(folder) / "data")}
        shell = shutil.which("bash") or "/bin/bash"
        return subprocess.run([shell, "-uc", whole], cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
