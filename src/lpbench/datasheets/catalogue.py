"""Catalogues: the rows of a kind by id, with filters, tables and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from lpbench.datasheets.attributes import attributes
from lpbench.datasheets.rows import DataSheet, Framework, ModelSheet, Platform
from lpbench.datasheets.values import Value, fits, words
from lpbench.errors import DataSheetError, nearest
from lpbench.util.shown import Sheet, Shown, several

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self

S = TypeVar("S", bound=DataSheet)


class Catalogue(Shown, dict[str, S]):
    """Rows of one kind by id, in the order of their sources."""

    kind: ClassVar[str]
    sheet_of: ClassVar[type[DataSheet]]
    columns: ClassVar[Mapping[str, str]]
    """What a listing shows: attributes with their headings."""

    def __init__(self, rows: Iterable[S] = ()) -> None:
        super().__init__((row.id, row) for row in rows)

    def of(self, rows: Iterable[S]) -> Self:
        """Return a catalogue like this one with other rows."""
        return type(self)(rows)

    def named(self, name: str) -> S:
        """Return the row with an id or an alias, in any case of letters.

        :raises DataSheetError: There is none; the error has the nearest name.
        """
        found = self.id_of(name)
        if found is None:
            known = [each for row in self.values() for each in row.names]
            raise DataSheetError(f'there is no "{name}" among the {self.kind}', hint=nearest(name, known))
        return self[found]

    def id_of(self, name: str) -> str | None:
        """Return the id of the row with an id or an alias, in any case of letters; None if there is none."""
        wanted = name.lower()
        return next((row.id for row in self.values() if wanted in map(str.lower, row.names)), None)

    def where(self, **values: object) -> Self:
        """Return the rows that have some values: a part of a text, a number in a range; None takes what nobody tells.

        :param values: By attribute: ``os="linux", board_power=5``.
        :raises DataSheetError: There is no such attribute; the error has the nearest.
        """
        known = [each.key for each in attributes(self.kind)]
        for name in values:
            if name not in known:
                raise DataSheetError(f'{self.kind} have no attribute "{name}"', hint=nearest(name, known))
        return self.of(row for row in self.values() if all(_has(getattr(row, k), v) for k, v in values.items()))

    def records(self) -> list[dict[str, Any]]:
        """Return a flat record for each row: ranges and prices have a column for each part, None what nobody tells."""
        return [row.record() for row in self.values()]

    def header(self) -> list[str]:
        """Return the columns of the records, which are there without any row too."""
        return list(self.sheet_of("x", ()).record())

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the rows ready for JSON, null where nobody tells."""
        return [row.to_dict() for row in self.values()]

    def to_pandas(self) -> Any:
        """Return the records as a pandas DataFrame.

        :raises DataSheetError: pandas is not installed.
        """
        try:
            import pandas as pd  # type: ignore[import-not-found, import-untyped, unused-ignore] # optional
        except ImportError as error:
            raise DataSheetError("pandas is not installed", hint="pip install pandas") from error
        return pd.DataFrame(self.records(), columns=self.header())

    def in_short(self) -> str:
        """Return how many rows there are and the first ids."""
        return f"{len(self)}: {several(list(self))}"

    def sheet(self) -> Sheet:
        """Return a row for each, with the attributes that a listing shows."""
        marked = any(self.mark(row) for row in self.values())
        rows = [(row.id, *([self.mark(row)] if marked else []), *self.cells(row)) for row in self.values()]
        header = (self.kind.removesuffix("s"), *([""] if marked else []), *self.columns.values())
        return Sheet((), header, rows, self.notes())

    def mark(self, _: S) -> str:
        """Return what marks a row in a listing; empty where nothing does."""
        return ""

    def cells(self, row: S) -> Iterable[str]:
        """Return what a listing shows of a row, beside its id."""
        return (words(getattr(row, name)) for name in self.columns)

    def notes(self) -> list[str]:
        """Return the lines below a listing: which rows are the user's."""
        own = [row.id for row in self.values() if row.files]
        return [f"from files of yours: {several(own)}"] if own else []


def _has(value: Value, wanted: object) -> bool:
    return value is None if wanted is None else value is not None and fits(value, str(wanted))


class Platforms(Catalogue[Platform]):
    """Hardware platforms.

    :param here: The id of this machine; empty where it is not known.
    """

    kind = Platform.kind
    sheet_of = Platform
    columns: ClassVar[Mapping[str, str]] = {
        "board_name": "board",
        "soc_architecture": "architecture",
        "board_price": "price",
        "board_power": "W",
        "performance": "performance",
        "os": "os",
    }

    def __init__(self, rows: Iterable[Platform] = (), here: str = "") -> None:
        super().__init__(rows)
        self.here = here

    def of(self, rows: Iterable[Platform]) -> Self:
        """Return other rows, for the same machine where it is among them."""
        kept = list(rows)
        return type(self)(kept, self.here if any(row.id == self.here for row in kept) else "")

    def cells(self, row: Platform) -> Iterable[str]:
        """Return what a listing shows of a platform; prices without their dates."""
        shown = dict(zip(self.columns, super().cells(row), strict=True))
        return {**shown, "board_price": row.board_price.short if row.board_price else ""}.values()

    def mark(self, row: Platform) -> str:
        """Return a mark for the platform that this machine is."""
        return "this machine" if row.id == self.here else ""

    def notes(self) -> list[str]:
        """Return the lines below a listing: how this machine is called, where none of the rows is it."""
        here = [f"this machine is {self.here}, which has no row"] if self.here and self.here not in self else []
        return [*here, *super().notes()]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the rows ready for JSON, each with whether it is this machine."""
        return [{**row.to_dict(), "here": row.id == self.here} for row in self.values()]


class Frameworks(Catalogue[Framework]):
    """Deployment frameworks."""

    kind = Framework.kind
    sheet_of = Framework
    columns: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "provider": "provider",
        "open_source": "open",
        "engines": "engine here",
        "environments": "runs on",
        "optimizations": "optimizations",
    }

    def cells(self, row: Framework) -> Iterable[str]:
        """Return what a listing shows of a framework; nothing where no engine is installed."""
        shown = dict(zip(self.columns, super().cells(row), strict=True))
        return {**shown, "engines": row.engines_in_words()}.values()


class Models(Catalogue[ModelSheet]):
    """Models."""

    kind = ModelSheet.kind
    sheet_of = ModelSheet
    columns: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "family": "family",
        "application": "application",
        "parameters": "parameters",
        "performance": "performance",
        "frameworks": "frameworks",
        "datasets": "data",
    }
