"""The command line: ``lpbench COMMAND …``.

Start-up imports argparse and the module of the command only.  The built-in commands are
known without loading plugins; plugins are loaded only for other words.
"""

from __future__ import annotations

import codecs
import gc
import sys
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.cli._streams import abandon_output, given_back, kept_for_answers, lenient_errors
from lpbench.errors import LpbenchError, UnavailableEngineError, WorkerError, asked_on_command_line
from lpbench.plugin.builtin.commands import COMMANDS
from lpbench.util import interrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

OBJECTS = 50_000
"""Objects created before the first garbage collection: start-up creates no garbage, and collecting took 5 % of it."""
LISTS = frozenset(
    {"engines", "plugins", "apps", "platforms", "frameworks", "models", "-h", "--help", "help", "-V", "--version"}
)
"""What runs nothing that a plugin offers: looking for garbage as the process ends, 10 % of the time, is left out."""
USAGE = """usage: lpbench COMMAND …

Benchmark AI apps on this machine's inference engines, and report how certain the figures are.
"""
OPTIONS = (
    "options:",
    "  -h, --help  with a command: show its description, options and two examples",
    "  --version   show the version",
    "  --debug     with any command: show the traceback of an error",
)
PLAIN_ERRORS = "lpbench-plain"
"""How streams that cannot encode a character are written."""
OTHERWISE = "--debug shows where it happened"
EXAMPLES = """examples:
  lpbench run imagenet-mobilenet-v2 --threads 1
  lpbench run model.onnx --shape input=1,3,224,224 -o result.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    :param argv: Words after the program's name; by default those of this process.
    """
    ends = argv is None
    thresholds = gc.get_threshold()
    gc.set_threshold(OBJECTS, *thresholds[1:])
    put_back = interrupts.install()
    try:
        if ends:  # this process is the command
            sys.excepthook, sys.unraisablehook = _console.show_traceback, interrupts.hide_lost
        with asked_on_command_line(), lenient_errors(restore=not ends):
            words = list(sys.argv[1:] if ends else argv or ())
            status = _main(words, ends=ends)
            if ends and LISTS.intersection(words[:1]):
                gc.freeze()
            return status
    except KeyboardInterrupt:  # while an error is told
        return interrupts.status()
    finally:
        if not ends:  # it would collect once more
            gc.set_threshold(*thresholds)
        put_back(ends=ends)
        if ends:  # after a KeyboardInterrupt in a string that was run, as dataclasses do, `python -m` ends by SIGINT
            eval("0")  # noqa: S307 - a constant; running another string clears the flag


def _main(words: list[str], *, ends: bool) -> int:
    """Run one command.

    :param ends: Whether the process ends afterwards.
    """
    debug = "--debug" in words
    _forgive_encodings()
    try:
        with kept_for_answers(restore=not ends):
            status = _run([word for word in words if word != "--debug"])
    except LpbenchError as error:
        if debug:
            raise
        _console.complain(error)
        return _console.NOTHING if isinstance(error, (UnavailableEngineError, WorkerError)) else _console.WRONG
    except KeyboardInterrupt:
        if debug:
            _console.show_traceback(*sys.exc_info())
        _console.say("interrupted")
        return interrupts.status()
    except OSError as error:  # a full disk, a folder that went away, a reader that left
        if debug and not isinstance(error, BrokenPipeError):
            raise
        return _unwritten(error)
    return status


def _unwritten(error: OSError) -> int:
    """Say what could not be written and return the exit status: of a signal, if one closed the terminal."""
    if error.filename is None:  # standard output itself
        abandon_output()
    if not isinstance(error, BrokenPipeError):  # ``lpbench … | head``
        what = f"cannot be used: {error.strerror or error}"
        _console.complain(LpbenchError(what, where=str(error.filename or "standard output"), hint=OTHERWISE))
    if interrupts.requested():
        return interrupts.status()
    return _console.PIPE if isinstance(error, BrokenPipeError) else _console.WRONG


def _run(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        _console.answer(*_help().split("\n"))
        return _console.DONE if words else _console.WRONG
    if words[0] in {"-V", "--version"}:
        from lpbench.about import version

        _console.answer(f"lpbench {version()}")
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
    if name in COMMANDS:
        status: int = module.main(options)
        return status
    with given_back():
        return int(module.main(options) or 0)


def command_module(name: str) -> Any:
    """Return the module of a command.

    :raises UnknownNameError: No plugin offers the command; the error suggests the nearest name.
    """
    import importlib

    if name in COMMANDS:
        module = "import_" if name == "import" else name.replace("-", "_")  # a keyword is no module's name
        return importlib.import_module(f"lpbench.cli.{module}")
    from lpbench.plugin import registry

    if name.startswith("-"):
        raise LpbenchError(
            f"unknown option {name}",
            hint="lpbench --help lists commands and options; options of a command follow its name",
        )
    return registry.current().get(registry.COMMANDS, name).spec.load()


def _help() -> str:
    """Return the help on all commands, including those of plugins."""
    import textwrap

    from lpbench.plugin import registry

    offered = {name: offer.spec.summary for name, offer in registry.current().all(registry.COMMANDS).items()}
    summaries = {**COMMANDS, **offered}
    widest, columns = max(map(len, summaries)), _console.listing_width(_console.answers())
    lines = [
        line
        for name, summary in summaries.items()
        for line in textwrap.wrap(f"  {name:{widest}}  {summary}", columns, subsequent_indent=" " * (widest + 4))
    ]
    options = [line for each in OPTIONS for line in textwrap.wrap(each, columns, subsequent_indent=" " * 14)]
    heads = [textwrap.fill(line, columns) for line in USAGE.splitlines()]
    return "\n".join([*heads, "", "commands:", *lines, "", *options, "", EXAMPLES])


def _forgive_encodings() -> None:
    """Print characters that a non-UTF terminal lacks as ``?``, rather than fail after an hour of measuring.

    Blocks of curves have characters that stand for them.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and "utf" not in (stream.encoding or "").lower():
            codecs.register_error(PLAIN_ERRORS, _plain)
            reconfigure(errors=PLAIN_ERRORS)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that cannot be encoded."""
    from lpbench.render._curve import PLAIN

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(each, "?") for each in error.object[error.start : error.end]), error.end
