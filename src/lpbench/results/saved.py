"""The saved results at a glance: what each is of, how old, how large; and deleting some."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.results import store
from lpbench.results.json_encode import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class SavedResult:
    """One file of the folder of saved results.

    :param name: What ``lpbench show`` and ``lpbench compare`` take.
    :param app: The app's name; empty where it is not known.
    :param engines: What was measured, by the names of its configurations.
    :param latency_ms: Of the fastest configuration; None where nothing was measured.
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
            and (self.engine is None or any(self.engine == label.partition(":")[0] for label in result.engines))
            and (self.older_s is None or age >= self.older_s)
            and (self.newer_s is None or age <= self.newer_s)
            and self.state in {None, result.state}
        )


def saved(wanted: Filter = Filter()) -> list[SavedResult]:
    """Return the saved results that fit, the newest first.

    Only what is shown is read: samples are not decoded, and the schema is not checked.
    """
    now = time.time()
    found = (_saved(path) for path in _files())
    return sorted(
        (each for each in found if each and wanted.fits(each, now)), key=lambda each: (-each.created, each.name)
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


def _files() -> Iterator[Path]:
    try:
        yield from store.folder().glob("*.json")
    except OSError:
        return


def _saved(path: Path) -> SavedResult | None:
    """Return what a file holds; None where it is gone by now."""
    try:
        facts = path.stat()
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        facts = path.lstat()
        document, reason = None, f"not complete JSON: {error}" if isinstance(error, ValueError) else str(error)
    else:
        reason = "" if _at(document, "format") == FORMAT else "not a result of lpbench"
    if reason:
        return SavedResult(path.stem, path, "", (), None, "unreadable", facts.st_mtime, facts.st_size, reason)
    configurations = [each for each in _at(document, "configurations") or () if isinstance(each, dict)]
    latencies = [_at(each, "metrics", "LATENCY", "value") for each in configurations]
    known = [float(value) for value in latencies if isinstance(value, (int, float))]
    return SavedResult(
        path.stem,
        path,
        str(_at(document, "app", "name") or ""),
        tuple(str(each.get("label") or _engine(each)) for each in configurations),
        min(known, default=None),
        str(_at(document, "state") or ""),
        _seconds(_at(document, "created"), facts.st_mtime),
        facts.st_size,
    )


def _engine(configuration: dict[str, Any]) -> str:
    """Return a configuration's engine, as version 2 or as version 1 has it."""
    return str(_at(configuration, "configuration", "engine") or configuration.get("engine") or "")


def _at(document: Any, *keys: str) -> Any:
    """Return the value under some keys; None where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _seconds(created: object, otherwise: float) -> float:
    """Return an ISO date as seconds since the epoch."""
    try:
        return dt.datetime.fromisoformat(str(created)).timestamp()
    except (ValueError, OverflowError, OSError):
        return otherwise
