"""Scores for each step become text: the best path of connectionist temporal classification.

Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import WHERE, choose, real
from lpbench_image.post._reading import require_finite
from lpbench_image.post.config import CtcConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo


class Text(NamedTuple):
    """What was read.

    :param text: The characters.
    :param score: Mean of their scores; 0 where there are none.
    """

    text: str
    score: float


class Ctc(Postprocessor[CtcConfig]):
    """Takes one score for each step and class, ``[1, steps, classes]`` or ``[steps, 1, classes]``.

    The best class of each step counts, the first of equal ones; one that repeats the step before is the same
    character still, and the blank is none.
    """

    def __init__(self, config: CtcConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        characters = list(_characters(Path(config.characters.file)) if config.characters else labels)
        self._characters = [*characters, " "] if config.space else characters
        if config.blank > len(self._characters):
            raise ProcessorError(
                f"blank is {config.blank}, but there are {len(self._characters)} characters beside it",
                where=f"{WHERE}.blank",
            )
        self._characters.insert(config.blank, "")
        self._open = bool(self.output.dynamic)
        self._check(self.output.shape)

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Text:
        """Return the text.

        :raises ProcessorError: The best score of a step is not finite.
        """
        values = self._steps(outputs)
        best = values.argmax(axis=1)  # NaN where there is one
        scores = real(values[np.arange(len(best)), best], self.output)
        require_finite(scores, self.output, sample)
        kept = best != self.config.blank
        kept[1:] &= best[1:] != best[:-1]
        text = "".join([self._characters[at] for at in best[kept].tolist()])
        return Text(text, float(scores[kept].mean()) if text else 0.0)

    def describe(self, prediction: Text, /) -> Mapping[str, Any]:
        """Return ``{"text", "score"}``."""
        return prediction._asdict()

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``scores``, ``(steps, classes)``."""
        scores = real(self._steps(outputs), self.output)
        require_finite(scores, self.output, sample)
        return {"scores": scores}

    def _steps(self, outputs: Outputs) -> npt.NDArray[Any]:
        values = outputs[self.output.name]
        if self._open:
            self._check(values.shape)
        found: npt.NDArray[Any] = values.reshape(-1, values.shape[-1])
        return found

    def _check(self, shape: Sequence[int | str | None]) -> None:
        """Refuse what is no list of steps, and characters that are not those of the classes."""
        *before, classes = shape or (0,)
        long = [each for each in before if isinstance(each, int) and each != 1]
        if len(long) > 1 or 0 in shape or not before:
            raise ProcessorError(
                f'output "{self.output.called}" {list(shape)} is not one score for each step and class', where=WHERE
            )
        if isinstance(classes, int) and classes != len(self._characters):
            what = f'{len(self._characters) - 1} characters for {classes} classes of output "{self.output.called}"'
            hint = 'one for each class but the blank; a last one that is a space may be said by "space": true'
            raise ProcessorError(what, where="labels", hint=hint)


def _characters(file: Path) -> list[str]:
    """Return the lines of a file as they are, spaces of other scripts too.

    :raises ProcessorError: It cannot be read, or is not UTF-8.
    """
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProcessorError(f"cannot be read: {error}", where=file.name) from error
    return lines if lines[-1] else lines[:-1]
