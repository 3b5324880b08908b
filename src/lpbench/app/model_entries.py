"""The models of a component in a config: an object by format, or a list whose entries state format and variant.

Entries of one format are told apart by variant, tile and the machine that a conversion is bound to.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.util.problems import Problem
from lpbench.util.text import BRIEF, shorten
from lpbench.util.tiles import tile_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.plugin.engine import Model

MOST = 128
"""Entries that are looked at; the schema allows no more."""


class Key(NamedTuple):
    """What tells a model from the others of a component.

    :param tile: As text; empty where none is stated.
    :param bound: What of a machine it depends on, name and value, sorted.
    """

    format: str
    variant: str = ""
    tile: str = ""
    bound: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the words by which a user knows the model: ``ncnn, variant f16, tile 96x96``."""
        words = [self.format, *([f"variant {self.variant}"] if self.variant else [])]
        words += [f"tile {self.tile}"] if self.tile else []
        return ", ".join([*words, *(f"{name} {value}" for name, value in self.bound)])


class Place(NamedTuple):
    """An entry of a config with its path below ``models``: ``.onnx`` or ``[0]``."""

    path: str
    format: str
    entry: Mapping[str, Any]

    @property
    def key(self) -> Key:
        """What tells it from the others; what is no text there counts as left out."""
        provenance = self.entry.get("provenance")
        bound = provenance.get("bound") if isinstance(provenance, dict) else None
        pairs = bound.items() if isinstance(bound, dict) else ()
        return Key(self.format, _text(self.entry, "variant"), _text(self.entry, "tile"), tuple(sorted(_texts(pairs))))


def entries(models: Any) -> Iterator[Place]:
    """Yield the entries of an object or a list that are objects, at most ``MOST``; nothing for other values."""
    if isinstance(models, dict):
        for name, entry in itertools.islice(models.items(), MOST):
            if isinstance(entry, dict):
                yield Place(f".{name}", name, entry)
    for at, entry in enumerate(models[:MOST] if isinstance(models, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("format"), str):
            yield Place(f"[{at}]", entry["format"], entry)


def key_of(model: Model) -> Key:
    """Return what tells a model from the others of its component."""
    bound = tuple(sorted(_texts(dict(model.provenance.get("bound", {})).items())))
    return Key(model.format, model.variant, tile_text(model.tile) if model.tile else "", bound)


def find(models: Any, key: Key) -> Mapping[str, Any] | None:
    """Return the entry with a key, or None."""
    return next((place.entry for place in entries(models) if place.key == key), None)


def replaced(models: Any, key: Key, entry: Mapping[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the models with an entry in place of the one with its key, else beside the others.

    An object stays one as long as each format has one entry and none has a name.
    """
    known = [(place.key, dict(place.entry)) for place in entries(models)]
    if key not in [each for each, _ in known]:
        known.append((key, {}))
    new = [(each.format, dict(entry) if each == key else old) for each, old in known]
    plain = len({name for name, _ in new}) == len(new) and not any(each.variant or each.tile for each, _ in known)
    if plain and not isinstance(models, list):
        return dict(new)
    return [
        {"format": name, **{field: value for field, value in old.items() if field != "format"}} for name, old in new
    ]


def entry_problems(models: Any) -> Iterator[Problem]:
    """Yield a problem for each entry that nothing tells from one before it, or whose format is not its name."""
    seen: dict[Key, str] = {}
    for place in entries(models):
        stated = place.entry.get("format", place.format)
        if stated != place.format:
            what = f"found {shorten(str(stated), BRIEF)!r}; the entry's name says {place.format}"
            yield Problem(f"{place.path}.format", what, "leave it out: in an object the name is the format")
        if (before := seen.setdefault(place.key, place.path)) != place.path:
            what = f"nothing tells it from models{before}: {shorten(str(place.key), BRIEF)}"
            yield Problem(place.path, what, 'give one of them a "variant" of its own')


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name, "")
    return value if isinstance(value, str) else ""


def _texts(pairs: Any) -> Iterator[tuple[str, str]]:
    return ((str(name), str(value)) for name, value in pairs)
