"""``lpbench new-plugin``: write a working engine plugin project, to be adapted to another library."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lpbench.cli import _console

if TYPE_CHECKING:
    import argparse

EPILOG = """\
examples:
  lpbench new-plugin acme
  lpbench new-plugin acme-npu --dir plugins/acme_npu
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Write a plugin project with an engine that multiplies matrices with numpy and passes the conformance kit. "
        "Replace numpy by another library, file by file."
    )
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="the engine's name: lower case, words joined by -")
    parser.add_argument("--dir", metavar="DIR", help="where to write it; must not exist, or be empty (./NAME)")


def main(options: argparse.Namespace) -> int:
    """Write the project and print the next commands."""
    from lpbench.plugin.kit.scaffold import new_plugin

    folder = new_plugin(options.name, options.dir)
    path = shlex.quote(str(folder))
    name = options.name.removeprefix("lpbench-")
    (module,) = (package.name for package in (folder / "src").iterdir())
    _console.answer(f"wrote {path}: engine {name}; fill in {path}/src/{module}/_engine.py")
    _console.answer("next", f"  pip install -e {path}", f"  pytest {path}", f"  lpbench check {name}")
    return 0
