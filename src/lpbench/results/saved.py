"""The saved results at a glance: what each is of, how old, how large; and deleting some."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.plugin.configuration import engine_name
from lpbench.results import store
from lpbench.results.json_document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class SavedResult:
    """One file of the folder of saved results.

    :param name: What ``lpbench show`` and ``lpbench compare`` take.
    :param app: The app's name; empty where it is not known.
    :param engines: What was measured, by the names of its configurations.
    :param latency_ms: Of the fastest configuration, of one with an unchecked model only where there are no others; None
        where nothing was measured.
    :param state: ``OK``, ``interrupted``, ``failed``, or ``unreadable``.
    :param created: Seconds since the epoch at which it was measured; of an unreadable file, at which it was written.
    :param size: Bytes.
    :param reason: Why it is unreadable.
    """

    name: str
    path: Path
    app: str
    engines: tuple[str, ...]
    latency_ms: float | None
    state: str
    created: float
    size: int
    reason: str = ""


@dataclass(frozen=True)
class Filter:
    """What is asked of saved results; what is None or empty is not asked.

    :param names: Their names.
    :param app: The app's name.
    :param engine: An engine, by its own name: one of the configurations is of it.
    :param older_s: Least age in seconds.
    :param newer_s: Greatest age in seconds.
    :param state: How they ended.
    """

    names: frozenset[str] = frozenset()
    app: str | None = None
    engine: str | None = None
    older_s: float | None = None
    newer_s: float | None = None
    state: str | None = None

    def fits(self, result: SavedResult, now: float) -> bool:
        """Say whether a result is asked for."""
        age = now - result.created
        return (
            (not self.names or result.name in self.names)
            and self.app in {None, result.app}
            and (self.engine is None or any(self.engine == engine_name(label) for label in result.engines))
            and (self.older_s is None or age >= self.older_s)
            and (self.newer_s is None or age <= self.newer_s)
            and self.state in {None, result.state}
        )


def saved(wanted: Filter = Filter()) -> list[SavedResult]:
    """Return the saved results that fit, the newest first.

    Each is read and checked as ``lpbench show`` does, but for its samples, which are not decoded.
    """
    now = time.time()
    return sorted(
        (each for each in _found() if each and wanted.fits(each, now)), key=lambda each: (-each.created, each.name)
    )


def delete(results: Iterable[SavedResult]) -> int:
    """Delete the files of some saved results and return how many there were.

    :raises ResultError: One cannot be deleted; those before it are gone.
    """
    count = 0
    for result in results:
        try:
            result.path.unlink(missing_ok=True)
        except OSError as error:
            raise ResultError(f"cannot be deleted: {error.strerror or error}", where=str(result.path)) from error
        count += 1
    return count


def _found() -> Iterator[SavedResult | None]:
    """Yield what each file holds, and the journals of dead benchmarks that cannot be recovered."""
    paths, lost = store.saved_files()
    yield from map(_saved, paths)
    for path, reason in lost.items():
        with contextlib.suppress(FileNotFoundError):
            yield _unreadable(path, path.name, reason)


def _saved(path: Path) -> SavedResult | None:
    """Return what a file holds; None where it is gone by now."""
    try:
        facts = path.stat() if path.exists() else path.lstat()
    except OSError:
        return None
    written, size = facts.st_mtime, facts.st_size
    try:
        document = read_document(path)
    except ResultError as error:
        return _unreadable(path, path.stem, " ".join(each for each in (error.what, error.hint) if each))
    configurations = document["configurations"]
    return SavedResult(
        path.stem,
        path,
        document["app"]["name"],
        tuple(each["label"] or each["configuration"]["engine"] for each in configurations),
        _least([each for each in configurations if not each.get("unchecked")]) or _least(configurations),
        document["state"],
        _seconds(document["created"], written),
        size,
    )


def _least(configurations: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the least latency of configurations as a file has them."""
    values = (each["metrics"].get("LATENCY", {}).get("value") for each in configurations)
    return min((float(value) for value in values if value is not None), default=None)


def _unreadable(path: Path, name: str, reason: str) -> SavedResult:
    facts = path.lstat()
    return SavedResult(name, path, "", (), None, "unreadable", facts.st_mtime, facts.st_size, reason)


def _seconds(created: str, otherwise: float) -> float:
    """Return an ISO date as seconds since the epoch."""
    try:
        return dt.datetime.fromisoformat(created).timestamp()
    except (ValueError, OverflowError, OSError):
        return otherwise
