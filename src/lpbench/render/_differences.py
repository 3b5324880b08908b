"""What differs between two configurations that may explain a verdict: their environments, their apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.results.software import FOLDER
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.results.comparison import Compared

LISTED = 12
"""Packages, and settings of a part, that are named; JSON has all."""
LONGEST = 32
"""Characters of a setting."""


def differences(each: Compared) -> Iterator[str]:
    """Yield where the two ran, if in different environments, which versions differ, and which parts of their apps."""
    known = dict(each.software)
    folders = known.pop(FOLDER, None)
    if folders:
        yield f"environments: {_change(folders)}"
    both = {name: pair for name, pair in known.items() if None not in pair}
    if folders or known:
        yield f"they differ in: {_listed([f'{clean(name)} {_change(pair)}' for name, pair in both.items()])}"
    if lone := [pair for name, pair in known.items() if name not in both]:
        firsts = sum(after is None for _, after in lone)
        yield f"packages in one of them only: {firsts} in the first, {len(lone) - firsts} in the second"
    for part, settings in each.apps.items():
        changes = [f"{clean(name)} {_change(pair, LONGEST)}" for name, pair in settings.items()]
        yield f"the apps differ in {clean(part)}: {_listed(changes)}"


def _listed(changes: list[str]) -> str:
    more = [f"{len(changes) - LISTED} more"] if len(changes) > LISTED else []
    return "; ".join([*changes[:LISTED], *more]) or "no version"


def _change(pair: tuple[object, object], most: int = 1000) -> str:
    return " → ".join("none" if value is None else shorten(clean(value), most) for value in pair)
