"""Predictions with keys that only a plugin knows, put into words by that plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GENERIC = frozenset(
    {"sample", "item", "label", "class", "index", "score", "top", "objects", "items", "text", "outputs"}
)
"""Keys that the core shows itself; for them alone no plugin is imported."""


def words(prediction: Mapping[str, Any]) -> str | None:
    """Return a prediction in words, by the first of its keys that an installed plugin knows; None if there is none.

    A plugin whose function fails is passed over: results must be readable whatever is installed.
    """
    keys = [key for key in prediction if key not in GENERIC]
    answers = (_said(*known, prediction) for known in _knowing(keys))
    return next((each for each in answers if each is not None), None)


def _knowing(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield name and import path of the functions that know these keys, in the order of the keys."""
    if not keys:
        return
    from lpbench.plugin.registry import POSTPROCESSORS, offers_where

    specs = [offer.spec for offer in offers_where(POSTPROCESSORS, lambda spec: bool(spec.words))]
    for key in keys:
        yield from ((spec.name, spec.words[key]) for spec in specs if key in spec.words)


def _said(name: str, target: str, prediction: Mapping[str, Any]) -> str | None:
    from lpbench.plugin.specs import load

    try:
        said = load(target, who=name)(prediction)
    except (Exception, SystemExit):  # noqa: BLE001 - a third party's function may raise anything
        return None
    return said if isinstance(said, str) else None
