"""What new apps get where raw tensors go in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import ProcessorError
from lpbench.plugin.builtin.tensors import resolve_shapes
from lpbench.plugin.guessing import GuessedStep

if TYPE_CHECKING:
    from lpbench.plugin.guessing import AppFacts


def guess_inputs(facts: AppFacts) -> GuessedStep:
    """Return the step of a new app, whatever its class, and point out dimensions that must be given."""
    assumed = ["inputs are synthetic, or read from .npy and .npz files"]
    try:
        resolve_shapes(facts.inputs, {})
    except ProcessorError as error:
        assumed.append(f'{error.what}: write "shapes": {{"NAME": [sizes]}} under preprocessing before running')
    return GuessedStep(assumed=tuple(assumed))


def guess_outputs(facts: AppFacts) -> GuessedStep:  # noqa: ARG001 - outputs of every model are passed on
    """Return the step of a new app, whatever its class."""
    return GuessedStep(assumed=("predictions are the outputs themselves: shape, type and range of each",))
