"""Labelled data: samples and their ground truth.

A dataset is one of

- a folder with a subfolder for each label: ``data/cat/1.png`` is a cat;
- a folder with a manifest (``manifest.csv``, ``labels.csv``, ``manifest.json`` or ``annotations.json``), or a manifest;
- a folder with ``labels.npy``: one label or label index for each sample file, in the order of the file names.

A CSV manifest has a column ``file`` and some of ``label``, ``text``, ``value``, ``mask``.  A JSON manifest is a list of
objects with these keys, or with ``items`` (``box``: left, top, right, bottom; ``label``) and ``points``; or it is in
COCO format (images, annotations, categories).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app import ground_truth
from lpbench.app.files import find_samples
from lpbench.app.ground_truth import TRUTHS
from lpbench.errors import AppError, nearest, setting
from lpbench.util.json_files import read_json, read_text
from lpbench.util.paths import usable
from lpbench.util.regular_files import irregular, open_regular
from lpbench.util.text import amount, brief, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MANIFESTS = ("manifest.csv", "labels.csv", "manifest.json", "annotations.json")
INDICES = "labels.npy"
LIMIT = 1 << 30
"""Largest size of a manifest in bytes; COCO's 2017 annotations take 450 MB."""
LISTS = frozenset({"items", "points"})
"""Keys of which a column of a CSV file means something else: it holds no lists."""
SHOWN = 3
SHOWN_COLUMNS = 80
LISTED = 100
"""Number of labels up to which an error lists them all."""


@dataclass(frozen=True)
class Labelled:
    """One sample.

    :param truth: Its ground truth, under some of the keys in ``TRUTHS``.
    """

    path: Path
    truth: Mapping[str, Any]


def load(place: Path | str, suffixes: Sequence[str], labels: Sequence[str] = ()) -> list[Labelled]:
    """Return the samples of a dataset.

    :param suffixes: File extensions that the app's preprocessor reads.
    :param labels: The app's class names; unless empty, labels in the data must be among them.
    :raises AppError: The dataset does not exist, or it names files or labels that do not exist.
    """
    place = usable(place, AppError)
    if not place.exists():
        raise AppError(
            "no such file or folder", where=str(place), hint=f"{setting('data')} takes a labelled folder, or a manifest"
        )
    samples = _load(place.resolve(), suffixes, labels)
    if not samples:
        raise AppError(
            "holds no labelled samples", where=str(place), hint=f"the preprocessor reads {', '.join(suffixes)}"
        )
    _refuse_unknown(samples, labels, place)
    return samples


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
        for folder in sorted(path for path in place.iterdir() if path.is_dir())
        for path in _samples(folder, suffixes)
    ]


def _samples(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return [path for path in find_samples([folder], suffixes) if path.name != INDICES]


def _manifest(file: Path) -> list[Labelled]:
    if file.suffix.lower() == ".csv":
        return _from_rows(_csv(file), file)
    if file.suffix.lower() != ".json":
        raise AppError(f"is not a manifest: expected {', '.join(MANIFESTS)}", where=str(file))
    content = read_json(file, limit=LIMIT)
    if isinstance(content, dict) and "images" in content:
        return _from_rows(_coco(content, file), file)
    rows = content.get("samples") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AppError(
            "is neither a list of samples nor in COCO format",
            where=str(file),
            hint='expected [{"file": "a.png", "label": "cat"}, …]',
        )
    return _from_rows(rows, file)


def _csv(file: Path) -> list[dict[str, Any]]:
    reader = csv.DictReader(read_text(file, limit=LIMIT).splitlines())
    try:
        rows = list(reader)
    except csv.Error as error:
        raise AppError(f"cannot be read as CSV: {error}", where=f"{file}: line {reader.line_num + 1}") from None
    return [
        {key: value for key, value in row.items() if key and key not in LISTS and value not in {None, ""}}
        for row in rows
    ]


def _from_rows(rows: Iterable[Mapping[str, Any]], file: Path) -> list[Labelled]:
    samples = [_labelled(number, row, file) for number, row in enumerate(rows, start=1)]
    missing = [sample.path for sample in samples if not sample.path.is_file()]
    if missing:
        names = ", ".join(str(path.relative_to(file.parent)) for path in missing[:SHOWN])
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise AppError(
            f"{len(missing)} of the {amount(len(samples), 'file')} that it names "
            f"{'does' if len(missing) == 1 else 'do'} not exist: {names}{more}",
            where=str(file),
            hint="file names are relative to the manifest's folder",
        )
    return samples


def _labelled(number: int, row: Mapping[str, Any], file: Path) -> Labelled:
    where = f"{file}: sample {number}"
    name = row.get("file")
    if not isinstance(name, str) or not name:
        raise AppError('has no key "file"', where=where, hint=nearest("file", [str(key) for key in row]))
    path = _beside(file, name, where)
    truth = {key: row[key] for key in sorted(TRUTHS & row.keys())}
    if not truth:
        raise AppError("has no ground truth", where=where, hint=f"known keys: {', '.join(sorted(TRUTHS))}")
    truth = ground_truth.checked(truth, where)
    if isinstance(truth.get("mask"), str):
        mask = _beside(file, truth["mask"], where)
        if kind := irregular(mask):
            raise AppError(f"the mask {mask.name} is {kind}, not a file", where=where)
        truth["mask"] = str(mask)
    return Labelled(path, truth)


def _beside(file: Path, name: str, where: str) -> Path:
    place = usable(file.parent / name, AppError)
    try:
        path = place.resolve()
    except (OSError, RuntimeError):  # a loop of links, up to Python 3.12
        raise AppError(f"{brief(name)} is a loop of links", where=where) from None
    if not path.is_relative_to(file.parent.resolve()):
        raise AppError(f"{brief(name)} points outside the dataset's folder", where=where)
    return path


def _coco(content: Mapping[str, Any], file: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each image of a COCO file, whose boxes are left, top, width, height (cocodataset.org)."""
    try:
        names = {category["id"]: str(category["name"]) for category in content.get("categories", ())}
        by_image: dict[Any, list[dict[str, Any]]] = {image["id"]: [] for image in content["images"]}
        for annotation in content.get("annotations", ()):
            by_image[annotation["image_id"]].append(_item(annotation, names))
        for image in content["images"]:
            size = [image[key] for key in ("height", "width") if key in image]
            yield {"file": image["file_name"], "items": by_image[image["id"]], "size": size}
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise AppError(
            f"is not in COCO format: {type(error).__name__} {shorten(str(error), SHOWN_COLUMNS)}",
            where=str(file),
            hint="expected images, annotations with image_id and bbox, and categories",
        ) from error


def _item(annotation: Mapping[str, Any], names: Mapping[Any, str]) -> dict[str, Any]:
    left, top, width, height = map(float, annotation["bbox"])
    box = [left, top, left + width, top + height]
    item: dict[str, Any] = {"box": box, "crowd": bool(annotation.get("iscrowd"))}
    if names:
        item["label"] = names[annotation["category_id"]]
    if annotation.get("keypoints"):
        flat = list(map(float, annotation["keypoints"]))
        item["points"] = [flat[at : at + 3] for at in range(0, len(flat), 3)]
    for key in ("segmentation", "area"):
        if key in annotation:
            item[key] = annotation[key]
    return item


def _by_index(folder: Path, suffixes: Sequence[str], labels: Sequence[str]) -> list[Labelled]:
    """Return the sample files of a folder, each with its label from ``labels.npy``, which holds labels or indices."""
    from lpbench.plugin.kit.npy_files import read_array  # takes numpy, which .npy files alone need

    file = folder / INDICES
    with open_regular(file) as stream:
        try:
            values = read_array(stream, file.stat().st_size).tolist()
        except (MemoryError, OSError, ValueError) as error:
            what = f"cannot be read: {error or 'it does not fit into memory'}"
            raise AppError(
                what, where=str(file), hint="write it with numpy.save: one label or index a sample"
            ) from error
    paths = _samples(folder, suffixes)
    if not isinstance(values, list) or len(values) != len(paths):
        raise AppError(
            f"holds {amount(len(values), 'label') if isinstance(values, list) else 'no list of labels'} "
            f"for {amount(len(paths), 'sample')}",
            where=str(file),
        )
    return [Labelled(path, {"label": _label(value, labels, file)}) for path, value in zip(paths, values, strict=True)]


def _label(value: object, labels: Sequence[str], file: Path) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise AppError(f"holds the label {value}", where=str(file), hint="labels are texts, or indices of the app's")
    if not isinstance(value, int) or not labels:
        return str(value)
    if not 0 <= value < len(labels):
        raise AppError(f"holds the index {value}; the app has {amount(len(labels), 'label')}", where=str(file))
    return labels[value]


def _refuse_unknown(samples: Sequence[Labelled], labels: Sequence[str], place: Path) -> None:
    """Refuse labels that the app does not have."""
    if not labels:
        return
    known = set(labels)
    for sample in samples:
        for name in _labels_of(sample.truth):
            if name not in known:
                shown = shorten(name, SHOWN_COLUMNS)
                raise AppError(
                    f'label "{shown}" of {sample.path.name} is not among the app\'s {amount(len(labels), "label")}',
                    where=str(place),
                    hint=_near(name, labels),
                )


def _labels_of(truth: Mapping[str, Any]) -> Iterator[str]:
    if "label" in truth:
        yield str(truth["label"])
    for item in truth.get("items", ()):
        if "label" in item:
            yield str(item["label"])


def _near(name: str, labels: Sequence[str]) -> str:
    return nearest(name, labels) if len(labels) <= LISTED else f"the app's first labels: {', '.join(labels[:SHOWN])}, …"
