"""Remembers which plugins can be imported in this process; others are tried in a process of their own first.

A plugin that crashes, hangs or ends its process is then a record, and not the end of lpbench.  What was tried is kept
in the cache, with the size and time of each file that was imported; a plugin that has changed is tried again.
The cache is read as if anybody had written it, and where it cannot be written, plugins are tried each time.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.metadata import EntryPoint

VARIABLE = "LPBENCH_PLUGIN_TRIAL"
"""Set in a process in which a plugin is tried: it tries none itself."""
FOLDER = "plugins"
FILE = "tried"
WITNESS = "importing-"
"""Begins the name of the file that says which plugin a process is importing; it stays if the process ends there."""
LARGEST = 4 << 20
"""Bytes of the file that are read."""
MOST = 200
"""Plugins that are remembered."""


def refusals(points: Sequence[EntryPoint]) -> dict[EntryPoint, str]:
    """Return the plugins that must not be imported in this process, with the reason; tries those that are new."""
    if VARIABLE in os.environ:
        return {}
    folder = _folder()
    known, suspects = _read(folder), _suspects(folder)
    keys = {point: key(point) for point in points if _top(point) not in sys.modules}
    new = [point for point, text in keys.items() if _words(point) in suspects or not _is_current(known.get(text, []))]
    if new:
        from lpbench.plugin.trial import attempt

        outcomes = attempt(new, VARIABLE)
        tried = zip(new, outcomes, strict=True)
        known.update({keys[point]: _record([*outcome, _origin(point) or ""]) for point, outcome in tried if outcome})
        _write(folder, known)
    return {point: known[text][0] for point, text in keys.items() if known.get(text, [""])[0]}


def forget_refusals() -> None:
    """Have plugins that were refused tried again: what they need may be there meanwhile."""
    folder = _folder()
    known = _read(folder)
    kept = {text: record for text, record in known.items() if not record[0]}
    if len(kept) < len(known):
        _write(folder, kept)


@contextlib.contextmanager
def witness() -> Iterator[Callable[[EntryPoint], None]]:
    """Give a function that notes which plugin is imported next.

    The note stays if this process ends inside the block; whoever starts lpbench next tries that plugin again.
    """
    path = os.path.join(_folder(), f"{WITNESS}{os.getpid()}")  # noqa: PTH118 - asked at each start
    try:
        note = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:  # the cache cannot be written
        yield lambda _point: None
        return
    try:
        yield lambda point: _note(note, _words(point))
        os.unlink(path)  # noqa: PTH108
    except Exception:
        os.unlink(path)  # noqa: PTH108
        raise
    finally:
        os.close(note)


def key(point: EntryPoint) -> str:
    """Return what identifies a plugin: its entry point, the file of its module, and this Python."""
    return f"{_words(point)} {_origin(point)!a} {sys.prefix!a} {sys.hexversion:x}"


def stamp(path: str) -> str:
    """Return time, size and path of a file; empty where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at each start
    except (OSError, ValueError):
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}:{path}"


def _origin(point: EntryPoint) -> str | None:
    """Return the file of a plugin's module, which counts also where importing it failed."""
    import importlib.util

    try:
        spec = importlib.util.find_spec(_top(point))
    except (ImportError, ValueError, AttributeError):
        return None
    return spec.origin if spec else None


def _words(point: EntryPoint) -> str:
    return f"{point.name!a} {point.value!a}"


def _top(point: EntryPoint) -> str:
    return point.value.partition(":")[0].partition(".")[0].strip()


def _record(outcome: Sequence[str]) -> list[str]:
    reason, *files = outcome
    named = dict.fromkeys(path for path in files if path.isprintable())
    return [reason, *(text for text in map(stamp, named) if text and "\t" not in text)]


def _is_current(record: Sequence[str]) -> bool:
    """Whether a record exists and no file has changed since; a record is a reason and stamps."""
    return bool(record) and all(stamp(each.partition(":")[2].partition(":")[2]) == each for each in record[1:])


def _folder() -> str:
    """Return the folder; empty where there is no home."""
    from lpbench.errors import LpbenchError
    from lpbench.util.atomic_folders import cache_folder

    try:
        return str(cache_folder() / FOLDER)
    except (OSError, LpbenchError):
        return ""


def _read(folder: str) -> dict[str, list[str]]:
    """Return the records by key; none where the file is missing, too large or not text."""
    path = os.path.join(folder, FILE)  # noqa: PTH118
    try:
        if not folder or not os.path.isfile(path) or os.path.getsize(path) > LARGEST:  # noqa: PTH113, PTH202
            return {}
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            lines = file.read(LARGEST).split("\n")
    except (OSError, ValueError):
        return {}
    records = (line.split("\t") for line in lines)
    return {text: record for text, *record in records if record}


def _write(folder: str, records: dict[str, list[str]]) -> None:
    path = os.path.join(folder, FILE)  # noqa: PTH118
    newest = list(records.items())[-MOST:]
    text = "".join("\t".join((name, *record)) + "\n" for name, record in newest)
    partial = f"{path}-{os.getpid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        with open(partial, "x", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        os.replace(partial, path)  # noqa: PTH105
    except (OSError, ValueError):  # ValueError: a path that is not UTF-8
        with contextlib.suppress(OSError):
            os.unlink(partial)  # noqa: PTH108


def _note(note: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(note, f"{text}\n".encode())  # the last line counts: truncating has some file systems wait for the disk


def _suspects(folder: str) -> set[str]:
    """Return the plugins that processes which ended were importing then; forgets them."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith(WITNESS)]  # noqa: PTH208
    except OSError:
        return set()
    found = set()
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118
        if not _runs(name.removeprefix(WITNESS)):
            with contextlib.suppress(OSError, ValueError):
                with open(path, encoding="utf-8") as file:  # noqa: PTH123
                    found.add(file.read(LARGEST).rstrip("\n").rpartition("\n")[2])
                os.unlink(path)  # noqa: PTH108
    return found


def _runs(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    return True
