"""Labelled data: samples, and what is true of each.

A dataset is one of

- a folder with a folder for each label: ``data/cat/1.png`` is a cat;
- a folder with a manifest, ``manifest.csv``, ``labels.csv``, ``manifest.json`` or ``annotations.json``, or such a file;
- a folder with ``labels.npy``: one label, or its index, for each sample file in the order of their names.

A CSV manifest has a column ``file`` and others: ``label``, ``text``, ``value``, ``mask``.  A JSON manifest is a list of
objects with such keys, or with ``items`` (``box``: left, top, right, bottom; ``label``) and ``points``; or it is in
COCO's format (images, annotations, categories).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError, nearest
from lpbench.util.json_files import read_json, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MANIFESTS = ("manifest.csv", "labels.csv", "manifest.json", "annotations.json")
INDICES = "labels.npy"
LIMIT = 1 << 30
"""Bytes of a manifest; COCO's annotations of 2017 take 450 MB."""
TRUTHS = frozenset({"label", "text", "value", "mask", "items", "points"})
"""Keys of what is true of a sample."""
SHOWN = 3
LISTED = 100
"""Labels that an error may list."""


@dataclass(frozen=True)
class Labelled:
    """One sample.

    :param truth: What is true of it: some of ``TRUTHS``.
    """

    path: Path
    truth: Mapping[str, Any]


def load(place: Path | str, suffixes: Sequence[str], labels: Sequence[str] = ()) -> list[Labelled]:
    """Return the samples of a dataset.

    :param suffixes: File endings that the app's preprocessor reads.
    :param labels: The app's class names; labels in the data must be among them, where there are any.
    :raises AppError: There is no such dataset, or it names files or labels that do not exist.
    """
    place = Path(place)
    if not place.exists():
        raise AppError("no such file or folder", where=str(place), hint="--data takes a labelled folder, or a manifest")
    found = _load(place.resolve(), suffixes, labels)
    if not found:
        raise AppError(
            "holds no labelled sample", where=str(place), hint=f"the preprocessor reads {', '.join(suffixes)}"
        )
    _refuse_unknown(found, labels, place)
    return found


def _load(place: Path, suffixes: Sequence[str], labels: Sequence[str]) -> list[Labelled]:
    if place.is_file():
        return _manifest(place)
    file = next((place / name for name in MANIFESTS if (place / name).is_file()), None)
    if file:
        return _manifest(file)
    if (place / INDICES).is_file():
        return _by_index(place, suffixes, labels)
    return [
        Labelled(path, {"label": folder.name})
        for folder in sorted(each for each in place.iterdir() if each.is_dir())
        for path in _samples(folder, suffixes)
    ]


def _samples(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.name != INDICES)


def _manifest(file: Path) -> list[Labelled]:
    if file.suffix.lower() == ".csv":
        return _from_rows(_csv(file), file)
    if file.suffix.lower() != ".json":
        raise AppError(f"is no manifest: expected {', '.join(MANIFESTS)}", where=str(file))
    content = read_json(file, limit=LIMIT)
    if isinstance(content, dict) and "images" in content:
        return _from_rows(_coco(content, file), file)
    rows = content.get("samples") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise AppError(
            "is no list of samples, and not in COCO's format",
            where=str(file),
            hint='[{"file": "a.png", "label": "cat"}, …]',
        )
    return _from_rows(rows, file)


def _csv(file: Path) -> list[dict[str, Any]]:
    rows = list(csv.DictReader(read_text(file, limit=LIMIT).splitlines()))
    return [{key: value for key, value in row.items() if key and value not in {None, ""}} for row in rows]


def _from_rows(rows: Iterable[Mapping[str, Any]], file: Path) -> list[Labelled]:
    found = [_labelled(number, row, file) for number, row in enumerate(rows, start=1)]
    gone = [each.path for each in found if not each.path.is_file()]
    if gone:
        names = ", ".join(str(path.relative_to(file.parent)) for path in gone[:SHOWN])
        more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
        raise AppError(
            f"names {len(gone)} of {len(found)} files that do not exist: {names}{more}",
            where=str(file),
            hint="files stand beside the manifest, or below it",
        )
    return found


def _labelled(number: int, row: Mapping[str, Any], file: Path) -> Labelled:
    where = f"{file}: sample {number}"
    name = row.get("file")
    if not isinstance(name, str) or not name:
        raise AppError('has no "file"', where=where, hint=nearest("file", [str(key) for key in row]))
    path = _beside(file, name, where)
    truth = {key: row[key] for key in TRUTHS & row.keys()}
    if not truth:
        raise AppError("says nothing that is true of it", where=where, hint=f"known: {', '.join(sorted(TRUTHS))}")
    if isinstance(truth.get("mask"), str):
        truth["mask"] = str(_beside(file, truth["mask"], where))
    if "value" in truth:
        truth["value"] = _number(truth["value"], where)
    return Labelled(path, truth)


def _beside(file: Path, name: str, where: str) -> Path:
    path = (file.parent / name).resolve()
    if not path.is_relative_to(file.parent.resolve()):
        raise AppError(f"{name!r} leads out of the dataset's folder", where=where)
    return path


def _number(value: object, where: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type] # what is no number raises
    except (TypeError, ValueError):
        raise AppError(f"value {value!r} is no number", where=where) from None


def _coco(content: Mapping[str, Any], file: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each image of COCO's format; its boxes are left, top, width, height (cocodataset.org)."""
    try:
        names = {each["id"]: str(each["name"]) for each in content.get("categories", ())}
        by_image: dict[Any, list[dict[str, Any]]] = {each["id"]: [] for each in content["images"]}
        for each in content.get("annotations", ()):
            by_image[each["image_id"]].append(_annotation(each, names))
        for image in content["images"]:
            size = [image[key] for key in ("height", "width") if key in image]
            yield {"file": image["file_name"], "items": by_image[image["id"]], "size": size}
    except (KeyError, TypeError, ValueError) as error:
        raise AppError(
            f"is not in COCO's format: {type(error).__name__} {error}",
            where=str(file),
            hint="images, annotations with image_id and bbox, categories",
        ) from error


def _annotation(each: Mapping[str, Any], names: Mapping[Any, str]) -> dict[str, Any]:
    left, top, width, height = map(float, each["bbox"])
    found: dict[str, Any] = {"box": [left, top, left + width, top + height], "crowd": bool(each.get("iscrowd"))}
    if names:
        found["label"] = names[each["category_id"]]
    if each.get("keypoints"):
        flat = list(map(float, each["keypoints"]))
        found["points"] = [flat[at : at + 3] for at in range(0, len(flat), 3)]
    for key in ("segmentation", "area"):
        if key in each:
            found[key] = each[key]
    return found


def _by_index(folder: Path, suffixes: Sequence[str], labels: Sequence[str]) -> list[Labelled]:
    """Return the sample files of a folder, each with the label, or its index, that ``labels.npy`` has for it."""
    import numpy as np  # the files are its own

    file = folder / INDICES
    try:
        values = np.load(file, allow_pickle=False).tolist()
    except (OSError, ValueError) as error:
        raise AppError(f"cannot be read: {error}", where=str(file)) from error
    paths = _samples(folder, suffixes)
    if not isinstance(values, list) or len(values) != len(paths):
        raise AppError(
            f"holds {len(values) if isinstance(values, list) else 'no list of'} labels for {len(paths)} samples",
            where=str(file),
        )
    return [Labelled(path, {"label": _label(value, labels, file)}) for path, value in zip(paths, values, strict=True)]


def _label(value: object, labels: Sequence[str], file: Path) -> str:
    if not isinstance(value, int) or not labels:
        return str(value)
    if not 0 <= value < len(labels):
        raise AppError(f"holds the index {value}; the app has {len(labels)} labels", where=str(file))
    return labels[value]


def _refuse_unknown(found: Sequence[Labelled], labels: Sequence[str], place: Path) -> None:
    """Refuse labels that the app does not have."""
    if not labels:
        return
    known = set(labels)
    for each in found:
        for name in _labels_of(each.truth):
            if name not in known:
                raise AppError(
                    f'label "{name}" of {each.path.name} is none of the app\'s {len(labels)}',
                    where=str(place),
                    hint=_near(name, labels),
                )


def _labels_of(truth: Mapping[str, Any]) -> Iterator[str]:
    if "label" in truth:
        yield str(truth["label"])
    for each in truth.get("items", ()):
        if isinstance(each, dict) and "label" in each:
            yield str(each["label"])


def _near(name: str, labels: Sequence[str]) -> str:
    return nearest(name, labels) if len(labels) <= LISTED else f"the app's first: {', '.join(labels[:SHOWN])}, …"
