"""``lpbench pull``: fetch and build catalogue entries, with progress."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console
from lpbench.cli._steps import Steps
from lpbench.errors import LpbenchError, PullError
from lpbench.render import digits, seconds, time_left
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.app.catalogue import Progress

MB = 1e6
WORDS = {"wait": "waiting", "fetch": "fetching", "build": "building"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Fetch the pinned packages of catalogue entries, check them, and build the apps into the cache folder. "
        "Pulled apps work offline."
    )
    parser.epilog = "examples:\n  lpbench pull imagenet-mobilenet-v2\n  lpbench pull --all --json"
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries of the catalogue (lpbench apps)")
    parser.add_argument("--all", action="store_true", help="pull every entry of the catalogue")
    parser.add_argument("--force", action="store_true", help="build entries again that are already pulled")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """Pull each entry; continue after one that fails."""
    names = _requested(options)
    done, failed = [], []
    for name in names:
        row, error = _attempt(name, options)
        done.append(row)
        if error:
            failed.append(error)
            if len(names) > 1:
                _console.complain(error)
    if options.json:
        _console.answer_json(done)
    elif len(failed) < len(names):
        _console.answer(f"next: lpbench run {next(row['name'] for row in done if row['folder'])}")
    if failed:
        raise failed[0] if len(names) == 1 else _several(len(failed), len(names))
    return _console.DONE


def _attempt(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], LpbenchError | None]:
    try:
        return _pull(name, options), None
    except LpbenchError as error:
        return {"name": name, "folder": None, "error": error.what, "hint": error.hint}, error


def _requested(options: argparse.Namespace) -> list[str]:
    """Return the entries to pull, each once; an unknown name raises before anything is pulled."""
    from lpbench.plugin.registry import APPS, current

    if not options.names and not options.all:
        raise PullError("no entry given", hint="lpbench apps lists the entries; --all pulls every entry")
    names = [current().get(APPS, name).spec.name for name in options.names]
    return list(dict.fromkeys([*names, *(current().all(APPS) if options.all else ())]))


def _pull(name: str, options: argparse.Namespace) -> dict[str, Any]:
    from lpbench.app import catalogue
    from lpbench.util import atomic_folders

    started = time.monotonic()
    before = catalogue.entries()[name].state == "pulled"
    lines = Lines()
    try:
        folder = catalogue.pull(name, force=options.force, progress=lines)
    finally:
        lines.close()
    spent = time.monotonic() - started
    size = atomic_folders.size(folder)
    if not options.json:
        kept = before and not options.force
        how = "was already pulled" if kept else f"pulled in {seconds(spent)}"
        _console.answer(f"{name} {how}: {digits(size / MB)} MB in {folder}")
    return {"name": name, "folder": str(folder), "seconds": round(spent, 3), "disk_bytes": size}


def _several(failed: int, total: int) -> PullError:
    return PullError(f"{failed} of {total} entries could not be pulled", hint="lpbench apps shows the state of each")


class Lines(Steps):
    """Progress of a pull."""

    def __call__(self, progress: Progress) -> None:
        """Show a step that begins, continues or ends."""
        if progress.step in WORDS:
            self.show((progress.step, progress.thing), text(progress), progress.seconds)


def text(progress: Progress) -> str:
    """Return one step as text: the action, the amount done, the time spent and left, and the file or recipe."""
    parts = [" ".join((f"{progress.entry}: {WORDS[progress.step]}", *_amount(progress)))]
    if progress.seconds >= 1:
        parts.append(seconds(progress.seconds))
    if progress.seconds >= 1 and 0 < progress.done < progress.total:
        left = progress.seconds * (progress.total - progress.done) / progress.done
        parts.append(time_left(left))
    return clean(" · ".join((*parts, progress.thing)))


def _amount(progress: Progress) -> Sequence[str]:
    if not progress.total:
        return ()
    done = f"{digits(min(progress.done, progress.total) / MB)} of " if progress.done else ""
    return [f"{done}{digits(progress.total / MB)} MB"]
