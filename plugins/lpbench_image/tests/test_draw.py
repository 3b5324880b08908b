"""What was found is seen on the picture, where it is, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from lpbench.errors import ProcessorError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench_image._draw import COLOURS, draw
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig
from lpbench_image.post import run_lengths

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

GREY = 90


def drawn(described: dict[str, Any], height: int = 200, width: int = 300) -> Array:
    found: Array | None = draw(np.full((height, width, 3), GREY, np.uint8), described)
    assert found is not None
    return found


def changed(picture: Array) -> Array:
    """Return where a grey picture was drawn on."""
    found: Array = (picture != GREY).any(axis=2)
    return found


def test_a_box_is_drawn_at_its_edge_only() -> None:
    """A box without words: its outermost pixels, nothing inside and nothing outside."""
    where = changed(drawn({"items": [{"box": [40, 50, 120, 150]}]}))
    expected = np.zeros_like(where)
    expected[50:150, 40:120] = True
    expected[51:149, 41:119] = False
    assert np.array_equal(where, expected)


def test_lines_are_wider_on_large_pictures() -> None:
    """A box on 4000 x 6000 pixels can be seen when the picture is shrunk to a screen."""
    where = changed(drawn({"items": [{"box": [400, 500, 2400, 2500]}]}, 4000, 6000))
    assert 12 <= np.count_nonzero(where[1500, :1000]) <= 24


def test_boxes_outside_the_picture_are_cut() -> None:
    """Edges left of it and below, and one too far for OpenCV to count."""
    where = changed(drawn({"items": [{"box": [-50, 20, 60, 1e9]}]}))
    assert where[20, :60].all()
    assert where[20:, 59].all()
    assert not where[:20].any()
    assert not where[:, 60:].any()


def test_labels_have_colours_of_their_own() -> None:
    """Two cats alike, a dog in another colour; all colours of the palette far from each other and from grey."""
    items = [{"label": label, "box": [at, 20, at + 40, 100]} for label, at in (("cat", 10), ("dog", 90), ("cat", 170))]
    picture = drawn({"items": items})
    first, other, again = (picture[50, at].tolist() for at in (10, 90, 170))
    assert first == again != other
    palette = np.array(COLOURS, float)
    apart = np.abs(palette[:, None] - palette[None]).sum(axis=2)
    assert apart[~np.eye(len(palette), dtype=bool)].min() >= 130
    assert (palette.max(axis=1) - palette.min(axis=1)).min() >= 70


def test_words_stand_at_the_box() -> None:
    """Label and score just below it, nothing anywhere else; on a box at the lower edge they are moved inside."""
    where = changed(drawn({"items": [{"label": "cat", "score": 0.91, "box": [40, 20, 200, 100]}]}))
    where[20:100, 40:200] = False
    rows, columns = np.nonzero(where)
    assert rows.min() == 100
    assert rows.max() < 125
    assert columns.min() == 40
    assert columns.max() < 200
    low = changed(drawn({"items": [{"label": "cat", "score": 0.91, "box": [40, 20, 200, 200]}]}))
    assert low[185:199, 45].any()


def test_points_and_polygons_are_drawn() -> None:
    """Key points of a face, landmarks of a mesh, a slanting line of text."""
    face = changed(drawn({"items": [{"points": [[50, 60], [70, 60.9]]}]}))
    assert face[60, 50]
    assert face[60, 70]
    assert np.count_nonzero(face) <= 20
    assert changed(drawn({"score": 1.0, "points": [[10.5, 20.5]]}))[20, 10]
    text = changed(
        drawn({"items": [{"box": [20, 20, 120, 80], "polygon": [[20, 20], [120, 60], [112, 80], [12, 40]]}]})
    )
    assert text[40, 70]
    assert not text[20, 100]


def test_the_points_of_a_mesh_are_small_and_have_a_colour_of_their_own() -> None:
    """Hundreds of points inside a box: one pixel each, unlike the box and what the next component found."""
    mesh = [[20.5 + 8 * column, 20.5 + 8 * row] for row in range(15) for column in range(20)]
    described: dict[str, Any] = {
        "items": [{"label": "face", "box": [10, 10, 190, 150]}],
        "mesh": [{"item": 0, "points": mesh, "iris": [{"item": 0, "points": [[240, 40]]}]}],
    }
    picture = drawn(described)
    inside = changed(picture)[12:148, 12:188]
    assert np.count_nonzero(inside) == len(mesh)
    assert len({tuple(picture[row, column].tolist()) for row, column in ((10, 100), (20, 20), (40, 240))}) == 3


@pytest.mark.parametrize("form", ["mask", "masks"])
def test_masks_are_tinted(form: str) -> None:
    """What the mask covers changes and can be seen through; the rest stays."""
    inside = np.zeros((200, 300), bool)
    inside[30:90, 100:140] = True
    encoded = run_lengths.encode(inside)
    picture = drawn({"mask": encoded, "share": {"person": 0.04}} if form == "mask" else {"masks": {"person": encoded}})
    assert np.array_equal(changed(picture), inside)
    tint = picture[50, 120].astype(int)
    assert (np.abs(tint * 2 - GREY - np.array(COLOURS[0])) <= 2).all()


@pytest.mark.parametrize(
    "described",
    [
        {"top": [{"label": "cat", "index": 3, "score": 0.9}, {"label": "dog", "index": 1, "score": 0.1}]},
        {"age": 33.2, "gender": {"label": "female", "score": 0.9}},
        {"yaw": -2.3, "pitch": 30.0, "roll": 1.0},
        {"text": "区域 segmentation", "score": 0.98},
    ],
)
def test_findings_without_a_place_are_written_in_the_corner(described: dict[str, Any]) -> None:
    """Classes, ages, angles, text: at the upper left, one line for each."""
    where = changed(drawn(described))
    assert where[:12, :20].any()
    assert not where[100:].any()


def test_what_later_components_found_stands_at_what_it_is_of() -> None:
    """Two faces, an age for the second, and its iris: words below that box, points where they are."""
    described: dict[str, Any] = {
        "items": [{"box": [10, 10, 60, 60]}, {"box": [150, 10, 250, 90]}],
        "mesh": [{"item": 1, "age": 33.0, "iris": [{"item": 0, "points": [[200, 40]]}]}],
    }
    where = changed(drawn(described))
    assert where[92:105, 150:200].any()
    assert where[40, 200]
    assert not where[62:, :140].any()


def test_nothing_found_is_the_picture_and_nothing_to_show_is_none() -> None:
    """An empty list of things; an embedding."""
    assert not changed(drawn({"items": [], "mesh": []})).any()
    assert draw(np.zeros((9, 9, 3), np.uint8), {"embedding": [0.1, 0.2]}) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3, 3)])
def test_the_smallest_pictures_can_be_drawn_on(size: tuple[int, int]) -> None:
    """Words larger than the picture are cut."""
    described = {"items": [{"label": "cat", "score": 0.5, "box": [0, 0, 1, 1], "points": [[0.5, 0.5]]}]}
    assert changed(drawn(described, *size)).any()


def test_files_are_named_after_the_samples(tmp_path: Path) -> None:
    """PNG files in a folder that is made; the sample's own picture stays."""
    pre = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 8, 8))])
    data = np.full((50, 60, 3), GREY, np.uint8)
    described = {"items": [{"box": [5, 5, 40, 40]}]}
    for name, file in (("photo.jpg", "photo.jpg.png"), ("photo.png", "photo.png"), ("../0", "0.png")):
        path = pre.draw(Sample(name, data), described, tmp_path / "drawn")
        assert path == tmp_path / "drawn" / file
        picture: Any = cv2.imread(str(path))
        assert np.array_equal(picture, drawn(described, 50, 60))
    assert (data == GREY).all()
    assert pre.draw(Sample("photo.jpg", data), {"embedding": [1.0]}, tmp_path / "other") is None
    assert not (tmp_path / "other").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "drawn").write_text("")
    pre = ImagePreprocessor(ImageConfig(), [TensorInfo("x", "float32", (1, 3, 8, 8))])
    with pytest.raises(ProcessorError, match=r"photo\.png"):
        pre.draw(Sample("photo.png", np.zeros((9, 9, 3), np.uint8)), {"items": []}, tmp_path / "drawn")
