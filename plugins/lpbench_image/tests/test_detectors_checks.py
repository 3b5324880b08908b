"""Detectors keep the contract, by the kit that judges everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_image.tests.posts import infos, sample
from plugins.lpbench_image.tests.test_detectors import FACES, WHOLE, faces
from plugins.lpbench_image.tests.test_detectors_errors import NANODET, PAIRS, cells, pairs

from lpbench.plugin import registry
from lpbench.testing import PostprocessorCase, postprocessor_checks
from lpbench.testing._checks import NotApplicable
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import PostprocessorSubject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = {
    name: each
    for name, each in TESTED["postprocessor"].checks.items()
    if each.section in {"config", "running"} and name != "config_builds_without_side_effects"
}
"""Checks that need no process of their own."""


def case(given: dict[str, Any], other: dict[str, Any], **more: Any) -> PostprocessorCase:
    return PostprocessorCase(outputs=tuple(infos(given)), given=given, other=other, sample=sample(WHOLE), **more)


def one(*_: object) -> PostprocessorCase:
    """Return a BlazeFace that sees a face, and one that sees another."""
    score = float(1 / (1 + np.exp(np.float32(-3))))
    item = {"label": "face", "score": score, "box": [32, 16, 48, 32], "points": [[49, 18]]}
    others = faces([-9.0, -9.0, 2.0, -9.0])
    others["b"][0, 2, 4:] = (5, 5)
    return case(faces(), others, config=FACES, labels=("face",), expected={"items": [item]})


def levels() -> PostprocessorCase:
    """Return a NanoDet that sees something, and one that sees nothing."""
    given = cells()
    given["s0"][0, 5:] = given["s1"][0, 1:] = 0
    return case(given, {name: np.zeros_like(each) for name, each in given.items()}, config=NANODET)


CASES: dict[str, Callable[[], PostprocessorCase]] = {
    "nanodet": levels,
    "boxes": lambda: case(pairs(), pairs(classes=2), config=PAIRS),
}


@postprocessor_checks("ssd", one)
def test_ssd_keeps_the_contract(check: Callable[[], None]) -> None:
    """Every check of the kit, each in a process of its own."""
    check()


@pytest.mark.parametrize("check", HERE)
@pytest.mark.parametrize("name", CASES)
def test_outputs_become_boxes_as_the_contract_says(name: str, check: str, tmp_path: Path) -> None:
    """What the kit says of settings and of predictions; the rest is the same code as that of SSD."""
    subject = PostprocessorSubject(registry.POSTPROCESSORS, name, lambda _: CASES[name](), tmp_path)
    try:
        HERE[check].function(subject)
    except NotApplicable as reason:
        assert str(reason)  # noqa: PT017 - it must say why
