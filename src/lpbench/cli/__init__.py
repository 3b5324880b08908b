"""The command line: ``lpbench COMMAND …``.

Start-up imports argparse and the one command's module.  The built-in commands are
known without asking any plugin; plugins are asked where the word is none of them.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.errors import LpbenchError, WorkerError
from lpbench.plugin.builtin.hooks import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

OBJECTS = 50_000
"""Made before Python looks for garbage among them: what a start makes stays, and looking took a twentieth of it."""
USAGE = """usage: lpbench COMMAND …

Run AI apps on this machine's inference engines, and know how sure the number is.
"""
OPTIONS = """options:
  -h, --help  with a command: what it does, its options and two examples
  --version   which lpbench this is
  --debug     with any command: a traceback where there would be an error text
"""
EXAMPLES = """examples:
  lpbench run imagenet-mobilenet-v2 --threads 1
  lpbench run model.onnx --shape input=1,3,224,224 -o result.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    :param argv: Words after the program's name; by default those of this process.
    """
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS, *usual[1:])
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    finally:
        gc.set_threshold(*usual)


def _main(words: list[str]) -> int:
    debug = "--debug" in words
    _forgive_encodings()
    try:
        status = _run([word for word in words if word != "--debug"])
        sys.stdout.flush()
    except LpbenchError as error:
        if debug:
            raise
        _console.complain(error)
        return _console.NOTHING if isinstance(error, WorkerError) else _console.WRONG
    except KeyboardInterrupt:
        if debug:
            raise
        _console.say("interrupted")
        return _console.INTERRUPTED
    except BrokenPipeError:  # ``lpbench … | head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return _console.PIPE
    return status


def _run(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_help())
        return _console.DONE if words else _console.WRONG
    if words[0] in {"-V", "--version"}:
        from lpbench.about import version

        print(f"lpbench {version()}")
        return _console.DONE
    return _command(words[0], words[1:])


def _command(name: str, words: list[str]) -> int:
    from lpbench.cli._parser import Parser

    module = command_module(name)
    parser = Parser(name)
    module.configure(parser)
    try:
        options = parser.parse(words)
    except SystemExit as done:  # --help
        return int(done.code or 0)
    status: int = module.main(options)
    return status


def command_module(name: str) -> Any:
    """Return a command's module.

    :raises UnknownNameError: No plugin offers it, with the nearest name.
    """
    import importlib

    if name in COMMANDS:
        return importlib.import_module(f"lpbench.cli.{name.replace('-', '_')}")
    from lpbench.plugin import registry

    if name.startswith("-"):
        raise LpbenchError(
            f"unknown option {name}",
            hint="lpbench --help lists commands and options; a command's options come after it",
        )
    return registry.current().get(registry.COMMANDS, name).spec.load()


def _help() -> str:
    """Return the page of all commands, those of plugins included."""
    from lpbench.plugin import registry

    found = {name: offer.spec.summary for name, offer in registry.current().all(registry.COMMANDS).items()}
    summaries = {**COMMANDS, **found}
    widest = max(map(len, summaries))
    lines = [f"  {name:{widest}}  {summary}" for name, summary in summaries.items()]
    return "\n".join([USAGE, "commands:", *lines, "", OPTIONS, EXAMPLES])


def _forgive_encodings() -> None:
    """Print what a terminal of the old kind lacks as ``?`` rather than fail after an hour of measuring."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and "utf" not in (stream.encoding or "").lower():
            reconfigure(errors="replace")
