"""The rows of data sheets as values; docs/reference/datasheets.md lists their attributes with units."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping  # noqa: TC003 - values that are kept are read by annotations
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lpbench.datasheets.attributes import IDENTITY, attributes
from lpbench.datasheets.values import Figure, Memory, Price, Span, words
from lpbench.util.jsonable import to_jsonable
from lpbench.util.shown import Sheet, Shown

READY = "ready"
JOINT = "; "
"""Between the parts of a cell."""


@dataclass(frozen=True, repr=False)
class DataSheet(Shown):
    """What all rows have.

    :param aliases: Other names of the same thing.
    :param sources: Who states it.
    :param note: What a reader should know; empty where there is nothing.
    :param files: Files of the user that state some of it.
    """

    kind: ClassVar[str]
    id: str
    sources: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    note: str = ""
    files: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Its id and its aliases."""
        return (self.id, *self.aliases)

    @property
    def key(self) -> Mapping[str, Any]:
        """The columns with which a record begins."""
        return {"id": self.id}

    def in_short(self) -> str:
        """Return its id and who states it."""
        return f"{self.id} ({', '.join(self.sources)})"

    def known(self) -> list[tuple[str, str]]:
        """Return what is told: each attribute's title with its unit, and its value in words."""
        told = ((each.heading, getattr(self, each.key)) for each in attributes(self.kind))
        return [(heading, words(value)) for heading, value in told if value is not None]

    def unknown(self) -> list[str]:
        """Return the titles of the attributes that no source tells."""
        return [each.title for each in attributes(self.kind) if getattr(self, each.key) is None]

    def sheet(self) -> Sheet:
        """Return everything that is known of it."""
        rows = [*self.known(), ("Sources", JOINT.join(self.sources))]
        if self.aliases:
            rows.insert(0, ("Also called", ", ".join(self.aliases)))
        unknown = self.unknown()
        notes = [self.note, f"not told: {', '.join(unknown)}" if unknown else ""]
        return Sheet((self.id,), ("", ""), rows, list(filter(None, notes)))

    def record(self) -> dict[str, Any]:
        """Return it as a record of a flat table: ranges and prices have a column for each part."""
        found = dict(self.key)
        for each in attributes(self.kind):
            found |= _cells(each.key, each.kind, getattr(self, each.key))
        told = {"aliases": self.aliases, "sources": self.sources}
        return {**found, **{name: JOINT.join(texts) for name, texts in told.items()}, "note": self.note or None}

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, null where nobody tells."""
        told = {each.key: to_jsonable(getattr(self, each.key)) for each in attributes(self.kind)}
        identity = {name: to_jsonable(getattr(self, name)) for name in IDENTITY}
        return {"id": identity.pop("id"), **told, **identity, "files": list(self.files)}


@dataclass(frozen=True, repr=False)
class Platform(DataSheet):
    """A hardware platform: attributes of its deployment, of the board and of the chip (SoC)."""

    kind: ClassVar[str] = "platforms"
    deployment_year: int | None = None
    location: str | None = None
    responsible: str | None = None
    availability: str | None = None
    provisioning_delay: str | None = None
    board_name: str | None = None
    board_price: Price | None = None
    board_power: Span | None = None
    board_memory: tuple[Memory, ...] | None = None
    board_country: str | None = None
    board_weight: float | None = None
    board_temperature: Span | None = None
    board_interfaces: tuple[str, ...] | None = None
    soc_name: str | None = None
    soc_price: Price | None = None
    soc_architecture: str | None = None
    soc_manufacturer: str | None = None
    soc_country: str | None = None
    soc_power: Span | None = None
    soc_memory: tuple[Memory, ...] | None = None
    performance: tuple[Figure, ...] | None = None
    grade: str | None = None
    os: tuple[str, ...] | None = None
    frameworks: tuple[str, ...] | None = None

    @property
    def key(self) -> Mapping[str, Any]:
        """The columns that the published format of benchmark data has of a platform."""
        return {"HW_ID": self.id, "HW_price": self.board_price.figure if self.board_price else None}


@dataclass(frozen=True, repr=False)
class Framework(DataSheet):
    """A deployment framework.

    :param engines: Engines of installed plugins that run it, each with whether it is ready, missing or broken here.
    """

    kind: ClassVar[str] = "frameworks"
    name: str | None = None
    provider: str | None = None
    open_source: str | None = None
    community: str | None = None
    outputs: tuple[str, ...] | None = None
    environments: tuple[str, ...] | None = None
    optimizations: tuple[str, ...] | None = None
    traceability: str | None = None
    timing_determinism: str | None = None
    semantic_preservation: str | None = None
    operator_compatibility: str | None = None
    engines: Mapping[str, str] = field(default_factory=dict)

    def sheet(self) -> Sheet:
        """Return everything that is known of it, with its engines."""
        sheet = super().sheet()
        engines = self.engines_in_words() or "no plugin offers one"
        return dataclasses.replace(sheet, rows=[*sheet.rows, ("Engines here", engines)])

    def engines_in_words(self) -> str:
        """Return the engines, each that is not ready with its state."""
        return ", ".join(name if state == READY else f"{name} ({state})" for name, state in self.engines.items())

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, with the engines that are installed here."""
        return {**super().to_dict(), "engines": dict(self.engines)}


@dataclass(frozen=True, repr=False)
class ModelSheet(DataSheet):
    """A model, with the number of its weights and its quality as stated."""

    kind: ClassVar[str] = "models"
    priority: int | None = None
    family: str | None = None
    name: str | None = None
    application: str | None = None
    parameters: int | None = None
    link: str | None = None
    performance: tuple[Figure, ...] | None = None
    frameworks: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    source_code: str | None = None


def _cells(key: str, kind: str, value: Any) -> dict[str, Any]:
    """Return an attribute's columns with its values."""
    if kind in {"watts", "celsius", "price"}:
        names = ("low", "high", "currency", "date") if kind == "price" else ("low", "high")
        return {f"{key}_{name}": getattr(value, name, None) for name in names}
    if isinstance(value, tuple):
        return {key: JOINT.join(map(str, value)) or words(value)}
    return {key: value}
