"""``lpbench env``: Python environments with another version of a library, to be compared with this one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.cli import _console

if TYPE_CHECKING:
    import argparse

    from lpbench.jobs.environments import Made

EPILOG = """\
examples:
  lpbench env create old --with "onnxruntime==1.30.*"
  lpbench env remove old
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Make a Python environment in lpbench's cache with this lpbench, the plugins that are installed here and "
        "another version of an engine's library; list the environments; remove one. ENGINE@env:NAME measures in it."
    )
    parser.epilog = EPILOG
    parser.add_argument("action", choices=("create", "list", "remove"), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the environment's name, to create or remove")
    parser.add_argument(
        "--with",
        dest="libraries",
        action="append",
        metavar="LIBRARY",
        help="a library and its version: onnxruntime==1.30.*",
    )
    parser.add_argument("--python", default="", metavar="P", help="a version, 3.13 say, or a Python's path (this one)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    _refuse(options)
    return {"create": _create, "list": _list, "remove": _remove}[options.action](options)


def _refuse(options: argparse.Namespace) -> None:
    from lpbench.cli._parser import UsageError

    listing, creating = options.action == "list", options.action == "create"
    if listing == bool(options.name):
        what = "list takes no name" if listing else f"{options.action} takes the name of an environment"
        raise UsageError(what, hint=f"lpbench env {options.action}{'' if listing else ' NAME'}")
    if creating != bool(options.libraries) or (options.python and not creating):
        what = "create takes a library" if creating else "--with and --python are for create"
        raise UsageError(what, hint="lpbench env create NAME --with onnxruntime==1.30.*")


def _create(options: argparse.Namespace) -> int:
    from lpbench.cli._steps import Steps
    from lpbench.jobs.environments import create

    steps = Steps()
    try:
        made = create(
            options.name,
            options.libraries,
            python=options.python,
            tick=lambda seconds: steps.show("pip", f"making the environment {options.name}: {seconds:.0f} s", seconds),
        )
    finally:
        steps.close()
    _show([made], options)
    if made.loosened:
        _console.say("other packages have other versions than here, since those do not fit: comparisons name them")
    if not options.json:
        following = f"next: lpbench compare --live APP --engine ENGINE@env:{made.name} --engine ENGINE"
        _console.answer(_console.painter(_console.answers())(following, "dim"))
    return _console.DONE


def _list(options: argparse.Namespace) -> int:
    from lpbench.jobs.environments import every

    found = every()
    _show(found, options)
    if not found and not options.json:
        _console.say("there are no environments; lpbench env create NAME --with LIBRARY==VERSION makes one")
    return _console.DONE


def _remove(options: argparse.Namespace) -> int:
    from lpbench.jobs.environments import remove

    remove(options.name)
    if options.json:
        _console.answer_json([])
    else:
        _console.answer(f"removed {options.name}")
    return _console.DONE


def _show(found: list[Made], options: argparse.Namespace) -> None:
    from lpbench.util.text import clean

    if options.json:
        _console.answer_json([dataclasses.asdict(each) for each in found])
        return
    for each in found:
        with_what = ", ".join(map(clean, each.libraries))
        _console.answer(f"env:{each.name}  {with_what}  Python {clean(each.python)}  {clean(each.path)}")
