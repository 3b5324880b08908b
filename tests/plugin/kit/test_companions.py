"""The file beside a model: by the ending in lower case, in upper case, and where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin.kit.companions import companion

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("model", "there", "found"),
    [
        ("net.xml", ["net.bin"], "net.bin"),
        ("NET.XML", ["NET.BIN"], "NET.BIN"),
        ("net.PARAM", ["net.Bin"], "net.Bin"),
        ("NET.XML", ["net.bin"], "net.bin"),
        ("net.xml", ["NET.BIN", "net.bin"], "net.bin"),
        ("a.ncnn.param", ["a.bin", "a.ncnn.BIN"], "a.ncnn.BIN"),
        ("net.xml", ["other.bin"], "net.bin"),
    ],
)
def test_the_companion_is_found_whatever_the_case_of_its_ending(
    tmp_path: Path, model: str, there: list[str], found: str
) -> None:
    """Exact names come first; what is missing is named as expected."""
    for name in there:
        (tmp_path / name).touch()
    assert companion(tmp_path / model, ".bin") == tmp_path / found
