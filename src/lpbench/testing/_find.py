"""Finds what can be checked by the name that users type."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, NotInstalledError, UnknownNameError, nearest
from lpbench.plugin import registry
from lpbench.testing._kinds import TESTED

if TYPE_CHECKING:
    from lpbench.plugin.registry import Kind, Offer
    from lpbench.plugin.specs import Spec


UNTESTED: dict[Kind[Any], str] = {
    registry.CONVERTERS: "each conversion is run and compared with its source: lpbench convert MODEL --to FORMAT",
    registry.ANALYZERS: "each of its answers is checked as it comes: lpbench analyze MODEL",
    registry.METRICS: "known values in a test of its plugin judge it",
    registry.APPS: "lpbench validate NAME checks a pulled app",
}
"""What checks the kinds for which the kit has nothing."""


def find(name: str, word: str = "") -> tuple[Kind[Any], Spec]:
    """Return what has a name: its kind and its spec, also one that clashes with another plugin's.

    :param word: ``engine``, ``preprocessor``, ``postprocessor``, ``monitor`` or ``algorithm``; by default any of them.
    :raises UnknownNameError: Nothing that can be checked has the name.
    :raises LpbenchError: Several kinds have it.
    """
    kinds = [tested.kind for tested in TESTED.values() if word in {"", tested.kind.word}]
    found = [(kind, offer.spec) for kind in kinds if (offer := _offer(kind, name))]
    if not found:
        raise _unknown(kinds, name)
    if len(found) > 1:
        words = [kind.word for kind, _ in found]
        hint = " or ".join(f"--kind {each}" for each in words)
        raise LpbenchError(f'"{name}" is the name of {" and of ".join(f"a {each}" for each in words)}', hint=hint)
    return found[0]


def _offer(kind: Kind[Any], name: str) -> Offer[Any] | None:
    offers = registry.current().all(kind)
    aliased = (offer for offer in offers.values() if name in getattr(offer.spec, "aliases", ()))
    return offers.get(name) or next(aliased, None)


def _unknown(kinds: list[Kind[Any]], name: str) -> LpbenchError:
    """Return the error for a name that none of some kinds has: its plugin is not installed, or it is misspelt."""
    for kind, instead in UNTESTED.items() if len(kinds) > 1 else ():
        if name in registry.current().all(kind):
            return UnknownNameError(f'{kind.word} "{name}" has no checks in the kit', hint=instead)
    for kind in kinds:
        with contextlib.suppress(UnknownNameError):
            try:
                registry.current().get(kind, name)
            except NotInstalledError as error:
                return error
    names = {each for kind in kinds for each in registry.current().all(kind)}
    hint = f"{nearest(name, names)}{registry.current().broken()}"
    what = f'unknown {kinds[0].word} "{name}"' if len(kinds) == 1 else f'nothing that can be checked is "{name}"'
    return UnknownNameError(what, hint=hint)
