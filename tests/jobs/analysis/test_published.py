"""The analysis of apps of the catalogue gives the figures of the published table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.app import catalogue
from lpbench.jobs.analysis import analyze
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("numpy", reason="needs numpy")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("lpbench_ort", reason="needs lpbench_ort, whose analyzer reads ONNX")

CACHE = atomic_folders.cache_folder().parent


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("alexnet-random", ("1.4", "61.0", "243.9")),
        ("imagenet-mobilenet-v2", ("0.6", "3.5", "14.0")),
        ("googlenet-random", ("3.2", "7.0", "28.0")),
    ],
)
def test_the_analysis_gives_the_published_figures(
    name: str, published: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    folder = catalogue.find(name)
    if folder is None:
        pytest.skip(f"needs network: lpbench pull {name}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no analysis that was made before
    found = analyze(folder)
    figures = found.flop / 1e9, found.params / 1e6, found.storage_bytes / 1e6
    assert tuple(f"{figure:.1f}" for figure in figures) == published
    assert not found.uncounted
