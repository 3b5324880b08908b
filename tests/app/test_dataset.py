"""Labelled data of every form, and what is wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app import dataset
from lpbench.errors import AppError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".txt",)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder of three samples."""
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(name)
    return tmp_path


def _truths(place: Path, labels: tuple[str, ...] = ()) -> dict[str, Any]:
    return {each.path.name: dict(each.truth) for each in dataset.load(place, SUFFIXES, labels)}


def test_folders_are_labels(tmp_path: Path) -> None:
    for label, name in (("cat", "1.txt"), ("dog", "2.txt"), ("dog", "deep/3.TXT"), ("dog", "notes.md")):
        path = tmp_path / label / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert _truths(tmp_path, ("cat", "dog")) == {
        "1.txt": {"label": "cat"},
        "2.txt": {"label": "dog"},
        "3.TXT": {"label": "dog"},
    }


@pytest.mark.parametrize("named", [True, False])
def test_a_csv_manifest_says_what_is_true_of_its_files(data: Path, named: bool) -> None:  # noqa: FBT001
    (data / "labels.csv").write_text("file,label,value,weight\na.txt,cat,1,7\nb.txt,,0.5,\n")
    found = _truths(data / "labels.csv" if named else data)
    assert found == {"a.txt": {"label": "cat", "value": 1.0}, "b.txt": {"value": 0.5}}


def test_a_json_manifest_takes_lists(data: Path) -> None:
    items = [{"box": [0, 0, 1, 1], "label": "cup"}]
    rows = [{"file": "a.txt", "items": items}, {"file": "b.txt", "text": ["one", "two"]}]
    (data / "manifest.json").write_text(json.dumps({"samples": rows}))
    assert _truths(data) == {"a.txt": {"items": items}, "b.txt": {"text": ["one", "two"]}}


def test_cocos_boxes_become_corners_and_images_without_any_stay(data: Path) -> None:
    content = {
        "images": [{"id": 7, "file_name": "a.txt"}, {"id": 8, "file_name": "b.txt"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [10, 20, 5, 6], "area": 30, "iscrowd": 1},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1], "keypoints": [1, 2, 2, 3, 4, 0]},
        ],
        "categories": [{"id": 3, "name": "cup"}],
    }
    (data / "annotations.json").write_text(json.dumps(content))
    found = _truths(data, ("cup",))
    assert found["b.txt"] == {"items": []}
    first, second = found["a.txt"]["items"]
    assert first == {"box": [10, 20, 15, 26], "crowd": True, "label": "cup", "area": 30}
    assert second["points"] == [[1, 2, 2], [3, 4, 0]]


def test_labels_npy_goes_with_the_files_in_order(data: Path) -> None:
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    numpy.save(data / "labels.npy", numpy.array([1, 0, 1]))
    assert _truths(data, ("no", "yes")) == {
        "a.txt": {"label": "yes"},
        "b.txt": {"label": "no"},
        "c.txt": {"label": "yes"},
    }
    numpy.save(data / "labels.npy", numpy.array([1, 2, 1]))
    with pytest.raises(AppError, match="the index 2; the app has 2 labels"):
        _truths(data, ("no", "yes"))
    numpy.save(data / "labels.npy", numpy.array([1, 0]))
    with pytest.raises(AppError, match="2 labels for 3 samples"):
        _truths(data)
    numpy.save(data / "labels.npy", numpy.array([{}]), allow_pickle=True)
    with pytest.raises(AppError, match="cannot be read"):
        _truths(data)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("file,label\na.txt,cat\ngone.txt,cat\n", "1 of the 2 files that it names does not exist: gone.txt"),
        ("file,label\n../a.txt,cat\n", "points outside the dataset's folder"),
        ("name,label\na.txt,cat\n", 'sample 1: has no key "file"'),
        ("file,lable\na.txt,cat\n", "sample 1: has no ground truth\n  known keys: "),
        ("file,label\na.txt,cta\n", r'label "cta" of a.txt is not among the app\'s 2 labels\n.*did you mean "cat"'),
        ("file,value\na.txt,much\n", "value 'much' is not a number"),
        ("file,value\na.txt,nan\n", "value is nan\n  expected a finite number"),
        ("file,value\na.txt,1e999\n", "value is inf"),
        ("file,value\na.txt,1e300\n", "value is 1e\\+300\n  expected a finite number, at most 1e\\+100"),
        ("file,label\na\0b.txt,cat\n", "CSV|is not a path"),
        (f"file,label\n{'a' * 300},cat\n", "is not a path: file name too long"),
        (f"file,label\na.txt,{'a' * 200_000}\n", "line 2: cannot be read as CSV: field larger than field limit"),
        ("file,label\nloop.txt,cat\n", "loop|do(es)? not exist"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(data: Path, text: str, wrong: str) -> None:
    (data / "labels.csv").write_text(text)
    (data / "loop.txt").symlink_to("loop.txt")
    with pytest.raises(AppError, match=wrong):
        _truths(data, ("cat", "dog"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("label", None), ("label", ["cat"]), ("text", {}), ("text", [["x"]]), ("value", None), ("value", [1])),
        *(("mask", 3), ("mask", {"size": [1, 1]}), ("mask", "a\0b"), ("mask", "m" * 300), ("mask", "../m.png")),
        *(("items", 3), ("items", [3]), ("items", [{"box": [1, 2, 3]}]), ("items", [{"box": ["1", 2, 3, 4]}])),
        *(("items", {"box": [1, 2, 3, 4]}), ("items", [{"box": 5}]), ("items", [{"label": {}}])),
        *(
            ("points", 3),
            ("points", [1, 2]),
            ("points", [[1, 2], [1, 2, 3]]),
            ("points", [["x", 1]]),
            ("points", [[1]]),
        ),
    ],
    ids=str,
)
def test_ground_truth_that_no_metric_can_use_is_refused_with_its_place(data: Path, key: str, value: object) -> None:
    (data / "manifest.json").write_text(json.dumps([{"file": "b.txt", "label": "cat"}, {"file": "a.txt", key: value}]))
    with pytest.raises(AppError) as caught:
        _truths(data)
    assert len(str(caught.value)) < 1000
    assert "sample 2" in str(caught.value) or "not a path" in str(caught.value)


def test_a_column_of_a_table_that_is_called_like_a_list_is_left_out(data: Path) -> None:
    (data / "labels.csv").write_text("file,label,points,items\na.txt,cat,7,x\n")
    assert _truths(data) == {"a.txt": {"label": "cat"}}


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"images": [{"id": 1}]}, "is not in COCO format: KeyError 'file_name'"),
        (
            {"images": [{"id": 1}], "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1]}]},
            "is not in COCO format: ValueError",
        ),
        ({"images": [{"id": 1, "file_name": "a.txt"}], "annotations": [7]}, "is not in COCO format: TypeError"),
        ({"images": [{"id": 1, "file_name": "a.txt"}], "categories": 7}, "is not in COCO format: TypeError"),
        ({"images": [{"id": "x" * 70_000}]}, "is not in COCO format: KeyError"),
        ("text", "is neither a list of samples nor in COCO format"),
        ([1], "is neither a list of samples nor in COCO format"),
    ],
)
def test_what_is_wrong_with_json_is_named(data: Path, content: object, wrong: str) -> None:
    (data / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(AppError, match=wrong):
        _truths(data)


def damaged_labels() -> dict[str, bytes]:
    """Return files that are no labels: nothing, broken headers, claims without data, what is no character."""
    start = b"\x93NUMPY\x01\x00"

    def npy(header: str, data: bytes = b"") -> bytes:
        return start + len(header).to_bytes(2, "little") + header.encode() + data

    return {
        "empty": b"",
        "head alone": start,
        "no dict": npy("(" * 3000),
        "deep": npy("{'descr':" + "-" * 5000 + "1}"),
        "huge": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999,), }", bytes(24)),
        "negative": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-3,), }", bytes(24)),
        "truth": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (True, 3), }", bytes(24)),
        "dimensions": npy(f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({'1,' * 80}), }}", bytes(24)),
        "nothing many times": npy("{'descr': '<U0', 'fortran_order': False, 'shape': (2**60,), }"),
        "objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", bytes(24)),
        "no characters": npy("{'descr': '<U1', 'fortran_order': False, 'shape': (3,), }", b"\xff" * 12),
        "surrogates": npy("{'descr': '<U1', 'fortran_order': False, 'shape': (3,), }", b"\x00\xd8\0\0" * 3),
        "not finite": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", b"\xff" * 24),
        "cut": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", bytes(23)),
        "long header": start[:6] + b"\x02\x00" + b"\xff\xff\xff\xff" + b"{" * 100,
    }


@pytest.mark.parametrize("name", damaged_labels())
@pytest.mark.timeout(30)
def test_damaged_labels_are_an_error_that_names_the_file(data: Path, name: str) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    (data / "labels.npy").write_bytes(damaged_labels()[name])
    with pytest.raises(AppError) as caught:
        _truths(data, ("no", "yes"))
    assert "labels.npy" in str(caught.value)


def test_data_that_are_not_labelled_say_so(data: Path) -> None:
    with pytest.raises(AppError, match="holds no labelled samples"):
        _truths(data)
    with pytest.raises(AppError, match="no such file or folder"):
        _truths(data / "gone")
    with pytest.raises(AppError, match="is not a manifest"):
        _truths(data / "a.txt")


def test_what_a_system_hides_in_a_folder_is_no_sample(tmp_path: Path) -> None:
    """A file manager's and a version control's own files: the same for labelled samples as for all others."""
    for name in ("cat/1.txt", "cat/._1.txt", "cat/.thumbnails/1.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert _truths(tmp_path, ("cat",)) == {"1.txt": {"label": "cat"}}
