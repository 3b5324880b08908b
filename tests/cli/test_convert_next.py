"""The command that ``lpbench convert`` gives for a file of its own, which no app's config describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpbench.cli.convert import _following
from lpbench.plugin.engine import Model, TensorInfo

pytestmark = pytest.mark.usefixtures("formulas")
MADE = {"converter": "c 1", "shapes": {"x": [1, 3, 4, 5]}}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 3, "height", "width"), " --shape x=1,3,4,5"),
        (("batch", 3, 4, 5), ""),
        ((1, 3, None, 5), " --shape x=1,3,4,5"),
    ],
)
def test_a_model_whose_sizes_stay_open_is_run_with_those_that_it_was_checked_with(
    shape: tuple[int | str | None, ...], words: str
) -> None:
    """An open batch needs none: one sample is what a run takes."""
    model = Model("formula", Path("m.formula"), inputs=(TensorInfo("x", "float32", shape),), provenance=MADE)
    assert _following("", (model,)) == f"lpbench run m.formula --engine exact{words}"
    assert _following("app", (model,)) == "lpbench run app --engine exact"
