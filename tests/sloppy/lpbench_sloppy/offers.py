"""What the processors' specs name besides them, with one fault each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.guessing import GuessedStep

from .fault import is_broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.guessing import AppFacts


def guess(facts: AppFacts) -> GuessedStep | None:
    """Return settings where the tensors are known."""
    if is_broken("preprocessor/guess_suits_the_config:type"):
        return {"scale": 2}  # type: ignore[return-value] # on purpose
    if is_broken("preprocessor/guess_suits_the_config:settings"):
        return GuessedStep({"scael": 2})
    return GuessedStep({"scale": 2}) if facts.inputs or facts.outputs else None


def words(prediction: Mapping[str, Any]) -> str:
    """Return the best label."""
    if is_broken("postprocessor/words_are_one_line:numpy"):
        import numpy as np

        return str(np.argmax([each["score"] for each in prediction["top"]]))
    if is_broken("postprocessor/words_are_one_line:lines"):
        return "two\nlines"
    return str(prediction["top"][0]["label"])
