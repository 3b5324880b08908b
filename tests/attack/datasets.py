"""Labelled data: folders, tables, JSON, COCO and arrays of labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind, text_of

from lpbench.app import dataset
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

SAMPLES = ("a.npy", "b.npy", "sub/c.npy")
LABELS = ("cat", "dog", "bird")
ROWS: list[dict[str, Any]] = [
    {"file": "a.npy", "label": "cat", "value": 1.5},
    {"file": "b.npy", "text": "some text", "mask": "sub/c.npy"},
    {"file": "sub/c.npy", "items": [{"box": [0, 1, 2.5, 3], "label": "dog"}], "points": [[1, 2], [3, 4]]},
]
COCO: dict[str, Any] = {
    "images": [{"id": at, "file_name": name, "width": 10, "height": 20} for at, name in enumerate(SAMPLES)],
    "categories": [{"id": at, "name": name} for at, name in enumerate(LABELS)],
    "annotations": [
        {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0, "area": 12.0},
        {
            "image_id": 2,
            "category_id": 0,
            "bbox": [1, 2, 3, 4],
            "keypoints": [1, 2, 2, 3, 4, 1],
            "segmentation": [[1, 2, 3]],
        },
    ],
}
CSV = 'file,label,text,value,mask\na.npy,cat,,1.5,\nb.npy,dog,"a, b",2,sub/c.npy\nsub/c.npy,bird,x,-1e3,\n'
FOLDERS = ("cat", "dog", "a\x1b[31m", "-", "ü", "a b", ".hidden", "x" * 200)


class Manifests(Kind):
    """Manifests as JSON, in COCO format and as CSV."""

    name: ClassVar[str] = "data-manifests"

    def write(self, random: Random, folder: Path) -> None:
        """Write samples and a damaged manifest."""
        _write_samples(folder)
        kind = random.choice(("json", "coco", "coco", "csv"))
        if kind == "csv":
            content = mutations.mutated(CSV.encode(), random)
        else:
            content = documents.damaged(json.dumps(COCO if kind == "coco" else ROWS), random, (json.dumps(ROWS),))
        name = random.choice(("manifest", "labels")) if kind == "csv" else random.choice(("manifest", "annotations"))
        (folder / f"{name}.{'csv' if kind == 'csv' else 'json'}").write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Read it with and without the app's labels."""
        for each in dataset.load(folder, (".npy",)):
            yield text_of(sorted(each.truth)[:1])
            assert each.path.resolve().is_relative_to(folder.resolve())
        dataset.load(folder, (".npy",), LABELS)


class Indices(Kind):
    """``labels.npy`` beside the samples."""

    name: ClassVar[str] = "data-npy"
    needs: ClassVar[tuple[str, ...]] = ("numpy",)

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        import numpy as np

        arrays: list[Any] = [
            np.array([0, 1, 2]),
            np.array(["cat", "dog", "bird"]),
            np.array([1.5, 2, 3]),
            np.zeros((3, 2)),
        ]
        arrays += [np.array([], np.int64), np.array(3), np.array([True, False, True]), np.array([b"a", b"b", b"c"])]
        arrays += [np.array(["2020", "2021", "2022"], "M8[Y]"), np.array([(1, 2.0)] * 3, [("a", "i4"), ("b", "f4")])]
        for at, array in enumerate(arrays):
            np.save(home / f"{at}.npy", array)
        self.seeds = [path.read_bytes() for path in sorted(home.glob("*.npy"))]

    def write(self, random: Random, folder: Path) -> None:
        """Write samples and damaged labels; sometimes whole ones of an unusual type."""
        _write_samples(folder)
        seed = random.choice(self.seeds)
        content = seed if random.random() < 0.05 else damaged_npy(seed, random, self.seeds)
        (folder / dataset.INDICES).write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Read it with and without the app's labels."""
        dataset.load(folder, (".npy",), LABELS)
        yield text_of([each.truth for each in dataset.load(folder, (".npy",))][:3])


class Folders(Kind):
    """A folder for each label, with names as file systems allow them."""

    name: ClassVar[str] = "data-folders"

    def write(self, random: Random, folder: Path) -> None:
        """Write folders, and among them links, pipes and loops."""
        import os

        for name in random.sample(FOLDERS, random.randrange(1, 5)):
            (folder / name).mkdir()
            made = random.choice((_plain, _plain, _plain, _link, _pipe, _loop, _outside))
            made(folder / name, os)

    def read(self, folder: Path) -> Iterable[str]:
        """Read it with and without the app's labels."""
        yield text_of(len(dataset.load(folder, (".npy",))))
        dataset.load(folder, (".npy",), LABELS)


def damaged_npy(content: bytes, random: Random, others: list[bytes]) -> bytes:
    """Return an array's file that is damaged, mostly in its header."""
    if random.random() < 0.5:
        return mutations.mutated(content, random, others)
    end = content.index(b"\n") + 1
    header = mutations.mutated(content[10:end], random)
    size = len(header) if random.random() < 0.8 else random.choice((0, 1, 65535))
    return content[:8] + (size % 65536).to_bytes(2, "little") + header + content[end:]


def _write_samples(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in SAMPLES:
        (folder / name).write_bytes(b"content")


def _plain(folder: Path, _os: Any) -> None:
    (folder / "a.npy").write_bytes(b"content")


def _link(folder: Path, _os: Any) -> None:
    (folder / "a.npy").symlink_to("nowhere")


def _pipe(folder: Path, os: Any) -> None:
    os.mkfifo(folder / "a.npy")


def _loop(folder: Path, _os: Any) -> None:
    (folder / "b.npy").symlink_to(folder / "b.npy")


def _outside(folder: Path, _os: Any) -> None:
    (folder / "c.npy").symlink_to("/etc/passwd")


KINDS = (Manifests, Indices, Folders)
