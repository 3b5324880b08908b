"""The preprocessor keeps the contracts that the kit checks, over files and over synthetic pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from plugins.lpbench_image.tests import reference

from lpbench.plugin.engine import TensorInfo
from lpbench.testing import PreprocessorCase, preprocessor_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

INPUT = TensorInfo("image", "float32", (1, 3, 24, 24))
CYCLES = (200, 1000)
"""A call is short; buffers are made in the first ones."""
OPENCV = {"process_is_left_as_it_was": "importing cv2 puts a folder of its own into LD_LIBRARY_PATH"}


def photos(folder: Path, _: Mapping[str, Any]) -> PreprocessorCase:
    """Return two PNG files of different sizes, letterboxed, and what the first is to become."""
    paths: list[Path] = []
    pictures = [np.random.default_rng(size).integers(0, 256, (size, 24, 3), np.uint8) for size in (24, 12)]
    for picture in pictures:
        paths.append(folder / f"photo{len(paths)}.png")
        cv2.imwrite(str(paths[-1]), picture)
    return PreprocessorCase(
        inputs=(INPUT,),
        config={"resize": {"mode": "letterbox"}, "normalise": {"mean": 0.5, "std": 0.25}},
        samples=tuple(paths),
        expected={"image": reference.tensor(pictures[0], "RGB", "NCHW", 1 / 255, 0.5, 0.25).astype(np.float32)},
        cycles=CYCLES,
    )


@preprocessor_checks("image", photos, expected_failures=OPENCV)
def test_files_are_preprocessed_as_the_contract_says(check: Callable[[], None]) -> None:
    """Every check of the kit, each in a process of its own."""
    check()
