"""The process that reads mutants of one kind: ``python -m tests.attack.child KIND SEED FIRST END ANSWERS``.

It writes a line of JSON for each mutant to the descriptor ANSWERS, and waits for a line on standard input after one
that failed, so that the parent can keep its files.  When it dies, the mutant after the last line is to blame.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tests.attack import sandbox
from tests.attack.kinds import ROOT, CrashedError, Kind, WrongError, kinds

from lpbench.errors import LpbenchError

ACCEPTED, REFUSED, CRASHED, FAILED = "accepted", "refused", "crashed", "failed"
NOTE = "note"
"""Key of the line that says why a kind cannot be attacked here."""
FRAMES = 3
"""Innermost frames that tell one cause from another."""


def main(arguments: list[str]) -> int:
    """Read mutants one after the other."""
    name, seed, first, end, answers = arguments[0], *map(int, arguments[1:])
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)  # the parent asks for the stack before it ends what hangs
    home = Path(os.environ[sandbox.HOME])
    tempfile.tempdir = str(home / "tmp")
    with os.fdopen(answers, "w", encoding="utf-8") as stream:
        try:
            kind = kinds()[name](_made(home / "seeds"))
        except LpbenchError as error:
            stream.write(json.dumps({NOTE: str(error)}) + "\n")
            return 0
        os.chdir(home)  # relative paths lead there
        watch = sandbox.Watch() if kind.starts else sandbox.watched()
        if not kind.starts:
            sandbox.limit_memory()
        stream.write("{}\n")  # the seeds are made
        stream.flush()
        for index in range(first, end):
            found = attack(kind, seed, index, home / "mutant", watch)
            stream.write(json.dumps({"index": index, **found}) + "\n")
            stream.flush()
            if found["outcome"] == FAILED and not sys.stdin.readline():
                break
    return 0


def attack(kind: Kind, seed: int, index: int, folder: Path, watch: sandbox.Watch) -> dict[str, Any]:
    """Read one mutant and return what came of it: its outcome and, where it failed, cause and trace."""
    shutil.rmtree(folder, ignore_errors=True)
    kind.write(random.Random(f"{seed} {kind.name} {index}"), _made(folder))
    before = sandbox.peak()
    try:
        found = _outcome(kind, folder, watch)
    except CrashedError:
        return {"outcome": CRASHED}
    except WrongError as error:
        first, _, rest = str(error).partition("\n")
        return {"outcome": FAILED, "cause": first, "trace": rest}
    except (Exception, SystemExit, sandbox.OverTimeError) as error:  # noqa: BLE001 - anything is what is looked for
        return {"outcome": FAILED, "cause": cause(error), "trace": _trace(error)}
    wrongs = [*watch.wrongs[:1]]
    if (growth := sandbox.peak() - before) > sandbox.GROWTH:
        wrongs.append(f"took {growth >> 20} MiB of memory")
    return {"outcome": FAILED, "cause": "; ".join(wrongs), "trace": ""} if wrongs else found


def _outcome(kind: Kind, folder: Path, watch: sandbox.Watch) -> dict[str, Any]:
    try:
        with sandbox.bounded(watch, kind.cpu):
            texts = list(kind.read(folder))
    except kind.refusals as error:
        wrong = sandbox.wrong_text(str(error), sandbox.LONGEST_TEXT)
        return _wrong(wrong, error) if wrong else {"outcome": REFUSED}
    wrong = next(filter(None, map(sandbox.wrong_text, texts)), None)
    if wrong:
        return {"outcome": FAILED, "cause": f"{wrong.what} shown", "trace": wrong.detail}
    return {"outcome": ACCEPTED}


def _wrong(wrong: sandbox.Wrong, error: BaseException) -> dict[str, Any]:
    what = f"{type(error).__name__} with {wrong.what}"
    return {"outcome": FAILED, "cause": f"{what} at {_place(error)}", "trace": f"{wrong.detail}\n{_trace(error)}"}


def cause(error: BaseException) -> str:
    """Return what tells this failure from others: the exception's type and its innermost frames."""
    # where a loop is left is chance
    return f"{type(error).__name__} at {_place(error, lines=not isinstance(error, sandbox.OverTimeError))}"


def _place(error: BaseException, *, lines: bool = True) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if str(ROOT) in frame.filename and "/.venv" not in frame.filename]
    ours = [frame for frame in ours if not frame.filename.endswith("sandbox.py")]
    ours = [frame for frame in ours if "/tests/attack/" not in frame.filename] or ours
    shown = [
        f"{Path(each.filename).name}:{each.lineno if lines else ''} {each.name}" for each in reversed(ours[-FRAMES:])
    ]
    return ", ".join(shown)


def _trace(error: BaseException) -> str:
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__, chain=False))
    return text[:6000].encode(errors="backslashreplace").decode()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
