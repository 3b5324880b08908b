"""Finds the layers of a profile, as an engine names them, among those of the model's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.kit.layer_kinds import BATCH_NORMALISATION, CONVOLUTION, ELEMENT_WISE, GEMM, RELU

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.analyzer import LayerCost
    from lpbench.results.profile import LayerRecord

HEAVY = (CONVOLUTION, GEMM)
"""Kinds with nearly all operations: worth finding by order where names differ."""
EPILOGUES = frozenset({RELU, ELEMENT_WISE, BATCH_NORMALISATION})
"""Kinds that engines fuse into the layer before."""
SEPARATORS = re.compile(r"\s*[,;+|]\s*")
"""Between the names of layers that were fused."""
DECORATION = re.compile(r"^fused[ _]|(/withoutbiases|/fused\w*|_fused\w*|_nchwc|_nhwc|_token_\d+|_quant(ized)?|:\d+)$")
"""What engines put before and behind the names of a file."""


@dataclass(frozen=True)
class Group:
    """One layer of a profile and those of the model that it carries out: several where they were fused."""

    record: LayerRecord
    costs: tuple[LayerCost, ...]


@dataclass(frozen=True)
class Matching:
    """What was found.

    :param groups: In the profile's order.
    :param records: Layers of the profile that are none of the model's.
    :param costs: Layers of the model without a time.
    :param by_order: Groups that rest on the order of layers of one kind, not on names.
    """

    groups: tuple[Group, ...]
    records: tuple[LayerRecord, ...]
    costs: tuple[LayerCost, ...]
    by_order: int


def match(records: Sequence[LayerRecord], costs: Sequence[LayerCost]) -> Matching:
    """Return which layers of a profile carry out which of a model.

    Names decide first: the same, then without what engines put around them, then those that a fused layer lists.  A
    convolution that is called after the activation behind it has both.  Convolutions and matrix products that are left
    are paired in order, if there are as many of them on both sides.  What is left of kinds that engines fuse belongs to
    the layer before it, unless the profile has such layers that were not found.
    """
    owners = _by_name(records, costs)
    _extend(records, costs, owners)
    ordered = _by_order(records, costs, owners)
    owners |= ordered
    _fuse(records, costs, owners)
    groups = [
        Group(record, own)
        for at, record in enumerate(records)
        if (own := tuple(cost for place, cost in enumerate(costs) if owners.get(place) == at))
    ]
    taken = {id(group.record) for group in groups}
    return Matching(
        tuple(groups),
        tuple(record for record in records if id(record) not in taken),
        tuple(cost for place, cost in enumerate(costs) if place not in owners),
        len(ordered),
    )


def _by_name(records: Sequence[LayerRecord], costs: Sequence[LayerCost]) -> dict[int, int]:
    """Return the place of the layer of the profile that names each layer of the model, by places."""
    owners: dict[int, int] = {}
    for keys in (_exact, _plain, _listed):
        known = _first_places((keys(cost.name) if keys is not _listed else _plain(cost.name)) for cost in costs)
        taken = set(owners.values())
        for at, record in enumerate(records):
            if at in taken:
                continue
            for key in keys(record.name):
                if key in known and known[key] not in owners:
                    owners[known[key]] = at
    return owners


def _exact(name: str) -> list[str]:
    return [name] if name else []


def _plain(name: str) -> list[str]:
    """Return a name without what engines put around it."""
    found, before = name.lower(), ""
    while found != before:
        before, found = found, DECORATION.sub("", found)
    return [found] if found else []


def _listed(name: str) -> list[str]:
    """Return the names that a fused layer lists."""
    return [key for part in SEPARATORS.split(name) for key in _plain(part)]


def _first_places(names: Iterable[Sequence[str]]) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, keys in enumerate(names):
        for key in keys:
            places.setdefault(key, at)
    return places


def _by_order(records: Sequence[LayerRecord], costs: Sequence[LayerCost], owners: dict[int, int]) -> dict[int, int]:
    """Return pairs of one kind in order, where as many are left on both sides."""
    taken = set(owners.values())
    pairs: dict[int, int] = {}
    for kind in HEAVY:
        times = [at for at, record in enumerate(records) if record.kind == kind and at not in taken]
        places = [place for place, cost in enumerate(costs) if cost.kind == kind and place not in owners]
        if len(times) == len(places):
            pairs.update(zip(places, times, strict=True))
    return pairs


def _fuse(records: Sequence[LayerRecord], costs: Sequence[LayerCost], owners: dict[int, int]) -> None:
    """Add what follows a layer and was fused into it."""
    taken = set(owners.values())
    apart = {record.kind for at, record in enumerate(records) if at not in taken}
    for place in range(1, len(costs)):
        kind, owner = costs[place].kind, owners.get(place - 1)
        if place not in owners and owner is not None and kind in EPILOGUES - apart:
            owners[place] = owner


def _extend(records: Sequence[LayerRecord], costs: Sequence[LayerCost], owners: dict[int, int]) -> None:
    """Add to layers that are called after their last part what stands before that."""
    for place, at in list(owners.items()):
        for before in _before(place, records[at].kind, costs, owners):
            owners[before] = at


def _before(place: int, kind: str, costs: Sequence[LayerCost], owners: Mapping[int, int]) -> list[int]:
    """Return the places from a layer's heavy part to the last part, after which the profile calls it; mostly none."""
    found: list[int] = []
    while costs[place].kind in EPILOGUES - {kind} and place and place - 1 not in owners:
        place -= 1
        found.append(place)
    return found if costs[place].kind == kind else []
