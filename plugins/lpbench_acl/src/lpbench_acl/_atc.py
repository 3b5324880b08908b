"""Finds CANN's ``atc``, runs it, and explains how it ended."""

from __future__ import annotations

import math
import os
import platform
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, either
from lpbench.plugin import progress
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.kit.untrusted import shorten
from lpbench.util import processes
from lpbench_acl import _cann, _messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench_acl._messages import Message

PLACES = ("bin/atc", "compiler/bin/atc", "atc/bin/atc")
GAMES = "games"
"""The folder in which Debian has another program of the name: air traffic control."""
DEPTH = 4
"""Folders above the program in which CANN's root is looked for: ROOT/x86_64-linux/bin/atc."""
LIMIT = 64 << 20
"""Bytes that ATC may print: more is taken for a fault."""
TAIL = 256 << 10
"""Bytes of the output's end that are read for messages."""
PIECE = 16 << 10
"""Bytes of the output that are looked at while it runs, each time."""
LAST = 3
"""Lines that an error quotes where ATC says nothing in a message."""
FIND_SOC = (
    "the name is Ascend and what `npu-smi info` shows as Name on the machine with the NPU, as in Ascend310P3; of "
    "Atlas A3 and Ascend 950 it is Chip Name and NPU Name of `npu-smi info -t board -i 0 -c 0`, as in Ascend910_9391"
)
SHELL = 128
"""What shells add to the number of the signal that ended a program."""
LAST_SIGNAL = 64
EMPTY_ADVICE = re.compile(r"(?:N/A|Try again with a valid argument)?\.?")
"""Matches solutions that say nothing."""
FAILED = "ATC run failed"
LIBRARY = re.compile(r"error while loading shared libraries: (\S+?):")
PYTHON = re.compile(r"\b(?:EC0010|E40000)\b|No module named")
MEMORY = re.compile(r"BrokenPipeError|MemoryError|Cannot allocate memory|std::bad_alloc")
OPERATOR = re.compile(r"\bEZ3[0-9]{3}\b|No supported Ops kernel")
PARSER = re.compile(r"\bE19010\b|No parser is registered")
SOC = re.compile(r"soc[ _]?version", re.IGNORECASE)
OPSETS = 11, 18
"""Versions of ai.onnx that ATC reads."""


@dataclass(frozen=True)
class Subject:
    """What a reader who looks for the cause of a failure should know.

    :param opset: Version of the model's operators; 0 = unknown.
    :param precision: As it was asked for.
    """

    opset: int = 0
    precision: str = ""


def find() -> str:
    """Return the path of the program: on PATH, or else in the CANN whose environment is set.

    :raises ConversionError: CANN is not installed here, or its set_env.sh was not sourced.
    """
    roots = [Path(root) for name in _cann.VARIABLES if (root := os.environ.get(name))]
    known = [str(path) for root in roots for place in PLACES if os.access(path := root / place, os.X_OK)]
    on_path = processes.program("atc")
    game = Path(on_path).parent.name == GAMES
    if found := next(filter(None, ["" if game else on_path, *known]), ""):
        return found
    script = next(_cann.settings(), None)
    there = f"; CANN is installed in {script.parent}, and its environment is not set" if script else ""
    other = f"; {on_path} is a game" if game else ""
    raise ConversionError(
        f"atc, the compiler of CANN's toolkit, was not found in {', '.join(['PATH', *map(str, roots)])}{other}{there}",
        hint=f"source {shlex.quote(str(script))} in the shell that starts lpbench"
        if script
        else f"install CANN's toolkit, which needs no NPU, then {_cann.USUAL}",
    )


def version(program: str) -> str:
    """Return the version of the CANN that the program belongs to; empty if no file states it."""
    folders = Path(program).resolve().parents
    return next(filter(None, map(_cann.version_of, folders[:DEPTH])), "")


def soc_setting(soc: str = "…") -> str:
    """Return the option that names the NPU, as the reader writes it."""
    return either(f"--set soc={soc}", f'options={{"soc": "{soc}"}}')


def run(program: str, words: Sequence[str], work: Path, subject: Subject) -> None:
    """Run ATC.

    :param words: Its options.
    :param work: A folder with the model, where it also writes what nobody needs.
    :raises ConversionError: It cannot be started, fails, or prints without end; with its messages.
    """
    log = work / "atc.log"
    hear = _Output(log)
    progress.report("atc is running")
    try:
        status = processes.run([program, *words], log=log, timeout=math.inf, tick=hear, folder=work)
        hear()
        output = _tail(log) if status else ""
    except LpbenchError as error:
        raise ConversionError(error.what, where=program, hint=error.hint) from error
    except OSError as error:  # the file lies in the folder where ATC works, and clears up
        what = f"the file of what it prints cannot be read: {error.strerror}"
        raise ConversionError(what, where=program, hint=f"look at what it does to {work}") from error
    if status:
        raise _failed(program, status, output, subject)


class _Output:
    """Passes on what ATC prints while it runs: as progress, and to where a converter's output is kept.

    Its dots are left out: they show that it is alive, and not that anything has been done.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = 0
        self._rest = ""
        self._over = False

    def __call__(self, _seconds: float = 0.0) -> None:
        """Look at what is new.

        :raises ConversionError: It is more than a compiler prints.
        """
        size = self._log.stat().st_size
        if size > LIMIT:
            said = next(iter(_messages.telling_lines(_tail(self._log))[-1:]), "")
            raise ConversionError(
                f"was ended: it printed more than {LIMIT >> 20} MB", hint=f"lastly: {said}" if said else ""
            )
        with self._log.open("rb") as file:
            file.seek(max(self._at, size - PIECE))
            text = self._rest + file.read(PIECE).decode("utf-8", "replace")
            self._at = file.tell()
        whole, _, rest = text.rpartition("\n")
        self._rest = rest[-PIECE:]
        lines = _messages.telling_lines(whole)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
        self._over = self._over or FAILED in text
        if lines and not self._over:  # what follows are its messages, which the error has
            progress.report(f"atc: {lines[-1]}")


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        return file.read(TAIL).decode("utf-8", "replace")


def _failed(program: str, status: int, output: str, subject: Subject) -> ConversionError:
    """Return the error of a run, with ATC's messages or, without any, its last words."""
    found = _messages.messages(output)
    ended = processes.ending(SHELL - status if SHELL < status <= SHELL + LAST_SIGNAL else status)
    if found:
        what = "; ".join(map(str, found))
    else:
        said = " | ".join(_messages.telling_lines(output)[-LAST:])
        what = f"it gave no reason ({ended}){f'; it printed: {said}' if said else ' and printed nothing else'}"
    advice = [message.solution for message in found if not EMPTY_ADVICE.fullmatch(message.solution)]
    error = ConversionError(what, hint="\n  ".join([*advice, *_remedies(program, ended, output, found, subject)]))
    error.__cause__ = RuntimeError(f"atc {ended}; the end of what it printed:\n{output[-20_000:]}")  # for --debug
    return error


def _remedies(program: str, ended: str, output: str, found: Sequence[Message], subject: Subject) -> list[str]:
    """Return what lpbench knows of the traps around ATC."""
    remedies = []
    if library := LIBRARY.search(output):
        remedies.append(_library(shorten(library[1], 60), program))
    if PYTHON.search(output):
        remedies.append(
            "atc compiles with the python3 of PATH, which needs packages: "
            "python3 -m pip install attrs cloudpickle decorator ml-dtypes numpy psutil pyyaml scipy tornado"
        )
    if MEMORY.search(output) or "SIGKILL" in ended:
        remedies.append(
            "memory may have run out: export TE_PARALLEL_COMPILER=1 and MAX_COMPILE_CORE_NUMBER=1, or convert on a "
            "larger machine, which needs no NPU"
        )
    least, most = OPSETS
    if PARSER.search(output) and subject.opset and not least <= subject.opset <= most:
        remedies.append(
            f"the model has operators of ai.onnx {subject.opset}, and ATC reads {least} to {most}: export it with one "
            f"of them, for example with opset_version={most} in PyTorch"
        )
    if OPERATOR.search(output) and subject.precision in {"F32", "auto"}:
        remedies.append(f"not every NPU has every operator in {subject.precision}: --precision F16 is ATC's default")
    if SOC.search(output) or (found and not remedies and not any(message.solution for message in found)):
        remedies.append(f"check {soc_setting()}: {FIND_SOC}")
    return remedies or ([] if found else ["its own log has more: $HOME/ascend/log/debug/plog"])


def _library(name: str, program: str) -> str:
    folder = Path(program).resolve().parent.parent
    stubs = [path for path in (folder / "devlib", *sorted(folder.glob("*-linux/devlib"))) if path.is_dir()]
    place = stubs[0] if stubs else f"$ASCEND_TOOLKIT_HOME/{platform.machine()}-linux/devlib"
    return (
        f"{name} comes with the NPU's driver, in /usr/local/Ascend/driver/lib64; on a machine without an NPU take the "
        f'stub: export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:{place}"'
    )
