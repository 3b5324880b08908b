"""Reads published data: pairs of a descriptor and a dataset, one for each algorithm and platform, as tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError, either, nearest, setting
from lpbench.results.exchange.csv_columns import read_columns, read_header, write_columns
from lpbench.results.exchange.descriptor import read_descriptor
from lpbench.results.exchange.fault_report import Fault, FaultKind, FaultReport
from lpbench.results.exchange.faults import repaired
from lpbench.results.exchange.joining import joined
from lpbench.results.exchange.pair import Pair, measured
from lpbench.results.exchange.tables import tables_of
from lpbench.util import atomic_folders
from lpbench.util.arguments import checked
from lpbench.util.json_files import read_json
from lpbench.util.shown import Sheet, Shown
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpbench.results.table import Table

CONFIGS, DATASETS = "configs", "datasets"
"""Folders in which the published data has its descriptors and its datasets."""
FAULTS = "faults.json"
"""File of an imported folder that says what was repaired."""
QUALITY = "_quality.csv"
"""End of the names of files with the quality of an algorithm's configurations."""
LARGEST = 64 << 20


@dataclass(frozen=True, repr=False)
class Dataset(Shown):
    """Published or exported data, as it was read.

    :param tables: One for each algorithm, over all platforms.
    :param faults: What was wrong and is not in the tables any more.
    """

    tables: tuple[Table, ...]
    faults: FaultReport

    def table(self, name: str) -> Table:
        """Return the table of an algorithm.

        :raises ResultError: There is none, with the nearest name.
        """
        by_name = {table.name: table for table in self.tables}
        if name not in by_name:
            raise ResultError(f'there is no algorithm "{name}"', hint=nearest(name, by_name))
        return by_name[name]

    def to_dict(self) -> dict[str, Any]:
        """Return how much there is and every fault, ready for JSON; ``Table.rows`` has the rows."""
        tables = [{"algorithm": table.name, "rows": len(table)} for table in self.tables]
        return {"tables": tables, **self.faults.to_dict()}

    def in_short(self) -> str:
        """Return how much there is, and how many faults it had."""
        rows = sum(map(len, self.tables))
        return f"{amount(len(self.tables), 'algorithm')}, {amount(rows, 'row')}; {self.faults.in_short()}"

    def sheet(self) -> Sheet:
        """Return a row for each algorithm."""
        rows = [(table.name, f"{len(table)}", f"{len(table.columns)}") for table in self.tables]
        return Sheet((self.in_short(),), ("algorithm", "rows", "columns"), rows)


def load(path: str | Path) -> tuple[Table, ...]:
    """Return the tables in a descriptor, a dataset with its descriptor beside it, or a folder of such pairs.

    :raises ResultError: There are none, or one of them is damaged.
    """
    return load_dataset(path).tables


@checked
def load_dataset(path: str | Path, *, progress: Callable[[str], None] | None = None) -> Dataset:
    """Return published data as tables, without the values that are known to be wrong, and what these were.

    :param path: A descriptor, a dataset with its descriptor beside it, or a folder of such pairs.
    :param progress: Called with the name of each file that is read.
    :raises ResultError: There are none, or one of them is damaged.
    """
    pairs, faults = read_pairs([Path(path)], progress or (lambda _: None))
    return Dataset(tables_of(pairs, str(path)), faults)


@checked
def import_dataset(
    paths: str | Path | Sequence[str | Path], output: str | Path, *, progress: Callable[[str], None] | None = None
) -> Dataset:
    """Write published data into a folder of its own, without the values that are known to be wrong, and return it.

    :param paths: Descriptors, datasets, or folders of pairs.
    :param output: The folder, which is empty or not there yet.
    :raises ResultError: There are none, one of them is damaged, or the folder is in use; nothing is written then.
    """
    target = Path(output)
    if not atomic_folders.is_free(target):
        raise ResultError("is not empty", where=str(target), hint=either("-o DIR", "output") + " names a new folder")
    words = [paths] if isinstance(paths, (str, Path)) else paths
    if not words:
        raise ResultError("names no data", where=setting("paths"), hint="name a .json, a .csv or a folder")
    pairs, faults = read_pairs([Path(word) for word in words], progress or (lambda _: None))
    with atomic_folders.filled(target) as folder:
        for pair in map(measured, pairs):
            (folder / f"{pair.descriptor.stem}.json").write_text(pair.descriptor.text(), "utf-8", newline="\n")
            with (folder / f"{pair.descriptor.stem}.csv").open("w", encoding="utf-8", newline="") as file:
                write_columns(pair.columns, file)
        if faults.faults:
            (folder / FAULTS).write_text(f"{json.dumps(faults.to_dict(), indent=1, ensure_ascii=False)}\n", "utf-8")
    return Dataset(tables_of(pairs, str(output)), faults)


def read_pairs(paths: Iterable[Path], progress: Callable[[str], None]) -> tuple[list[Pair], FaultReport]:
    """Return repaired pairs and what was repaired.

    :raises ResultError: A path leads to none, one is damaged, or two are of the same algorithm and platform.
    """
    pairs: list[Pair] = []
    faults: list[Fault] = []
    seen: dict[str, Path] = {}
    for path in paths:
        for file in descriptors(path):
            progress(file.stem)
            pair, found = read_pair(file)
            stem = pair.descriptor.stem
            if stem in seen:
                raise ResultError(f"is there twice: {seen[stem]}", where=str(file), hint="name one of the two")
            seen[stem] = file
            pairs.append(pair)
            faults += found
    return pairs, FaultReport(tuple(faults))


def read_pair(file: Path) -> tuple[Pair, list[Fault]]:
    """Return one pair, repaired, and what was repaired.

    :param file: The descriptor.
    """
    descriptor = read_descriptor(file)
    dataset = dataset_of(file)
    columns = read_columns(dataset, descriptor.variables)
    found = repaired(descriptor, columns)
    faults = list(found.faults)
    if descriptor.typed:
        rows = len(next(iter(columns.values())))
        faults.append(Fault(descriptor.stem, FaultKind.TYPED, "", descriptor.typed, rows))
    pair = Pair(descriptor, found.columns, found.reasons, found.repeats, told(file.parent, descriptor.stem))
    quality = dataset.with_name(f"{descriptor.name}{QUALITY}")
    if quality.is_file() and "quality" not in columns:
        pair, fault = joined(pair, quality)
        faults.append(fault)
    return pair, faults


def descriptors(path: Path) -> list[Path]:
    """Return the descriptors that a path leads to.

    :raises ResultError: There are none, or a dataset without one.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.suffix == ".json":
        return [path]
    if path.suffix != ".csv":
        raise ResultError("is neither a dataset nor a folder", where=str(path), hint="name a .json, a .csv or a folder")
    places = (path.with_suffix(".json"), path.parent.parent / CONFIGS / f"{path.stem}.json")
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        read_header(path)  # what is wrong with the file itself is told first
        hint = f"{path.stem}.json beside it describes its columns"
        raise ResultError("has no descriptor", where=str(path), hint=hint)
    return [found]


def dataset_of(file: Path) -> Path:
    """Return the dataset of a descriptor.

    :raises ResultError: There is none.
    """
    places = (file.with_suffix(".csv"), file.parent.parent / DATASETS / f"{file.stem}.csv")
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ResultError("has no dataset", where=str(file), hint=f"{file.stem}.csv belongs beside it")
    return found


def is_dataset(path: Path) -> bool:
    """Say whether a path looks like published data: a dataset, a descriptor, or a folder that has one."""
    if path.is_dir():
        return ((path / CONFIGS).is_dir() and (path / DATASETS).is_dir()) or any(
            map(_looks_described, path.glob("*_*.json"))
        )
    return path.suffix == ".csv" or (path.suffix == ".json" and _looks_described(path))


def told(folder: Path, stem: str) -> Mapping[str, str]:
    """Return why values of a dataset were taken away when it was imported, by column."""
    try:
        document = read_json(folder / FAULTS, limit=LARGEST, error=ResultError)
        faults = [each for each in document["faults"] if each["file"] == stem and each["column"]]
        notes = {str(each["column"]): f"{each['kind']}: {each['note']}" for each in faults}
    except (ResultError, LookupError, TypeError):  # reasons are missing then, and nothing else
        return {}
    return notes


def _looks_described(file: Path) -> bool:
    try:
        document = read_json(file, limit=LARGEST, error=ResultError)
    except ResultError:
        return file.with_suffix(".csv").is_file()
    return isinstance(document, dict) and ("hyperparams" in document or "HW_ID" in document)


def _of_folder(folder: Path) -> list[Path]:
    place = folder / CONFIGS if (folder / CONFIGS).is_dir() else folder
    files = sorted(file for file in place.glob("*.json") if file.name != FAULTS)
    described = {file.stem for file in files}
    datasets = folder / DATASETS if (folder / DATASETS).is_dir() else place
    for file in sorted(datasets.glob("*.csv")):
        if file.stem not in described and not file.name.endswith(QUALITY):
            raise ResultError("has no descriptor", where=str(file), hint=f"{file.stem}.json describes its columns")
    if not files:
        hint = "a descriptor ALGORITHM_HWID.json lies beside its dataset, or in a folder configs"
        raise ResultError("holds no descriptors", where=str(folder), hint=hint)
    return files
