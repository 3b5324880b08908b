"""``lpbench new-plugin``: the project of an engine plugin that works, to be filled with another library."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

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
        "Put another library in numpy's place, file by file."
    )
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="the engine's name: lower case, words joined by -")
    parser.add_argument("--dir", metavar="DIR", help="where to write it; must not exist, or be empty (./NAME)")


def main(options: argparse.Namespace) -> int:
    """Write the project and say what to type next."""
    from lpbench.plugin.kit.scaffold import new_plugin

    folder = new_plugin(options.name, options.dir)
    place = shlex.quote(str(folder))
    name = options.name.removeprefix("lpbench-")
    (module,) = (each.name for each in (folder / "src").iterdir())
    print(f"wrote {place}: engine {name}; fill in {place}/src/{module}/_engine.py")
    print(f"next\n  pip install -e {place}\n  pytest {place}\n  lpbench check {name}")
    return 0
