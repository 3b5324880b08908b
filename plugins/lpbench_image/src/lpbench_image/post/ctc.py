"""The postprocessor ``ctc``: text from the best path of connectionist temporal classification.

Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._amount import amount
from lpbench_image._outputs import WHERE, choose, real
from lpbench_image.post._reading import require_finite
from lpbench_image.post.config import CtcConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo


class Text(NamedTuple):
    """Recognised text.

    :param text: The characters.
    :param score: Mean of the characters' scores; 0 if there are none.
    """

    text: str
    score: float


class Ctc(Postprocessor[CtcConfig]):
    """Reads one score for each step and class, ``[1, steps, classes]`` or ``[steps, 1, classes]``.

    Each step has its best class, the first among equal scores.  A class that repeats that of the previous step
    continues the same character, and the blank stands for no character.
    """

    def __init__(self, config: CtcConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        self.output = choose(config.output, outputs)
        characters = list(_characters(Path(config.characters.file)) if config.characters else labels)
        self._characters = [*characters, " "] if config.space else characters
        if config.blank > len(self._characters):
            raise ProcessorError(
                f"blank is {config.blank}, but there are {len(self._characters)} characters besides it",
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
        best = values.argmax(axis=1)  # the position of a NaN if there is one
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
        steps: npt.NDArray[Any] = values.reshape(-1, values.shape[-1])
        return steps

    def _check(self, shape: Sequence[int | str | None]) -> None:
        """Refuse an output that is not a list of steps, and a number of characters that differs from the classes."""
        *before, classes = shape or (0,)
        long = [size for size in before if isinstance(size, int) and size != 1]
        if len(long) > 1 or 0 in shape or not before:
            raise ProcessorError(
                f'output "{self.output.called}" {list(shape)} is not one score for each step and class', where=WHERE
            )
        if isinstance(classes, int) and classes != len(self._characters):
            counts = f"{amount(len(self._characters) - 1, 'character')} for {amount(classes, 'class', 'classes')}"
            what = f'{counts} of output "{self.output.called}"'
            hint = 'give one per class except the blank; set "space": true if the last class is a space'
            raise ProcessorError(what, where="labels", hint=hint)


def _characters(file: Path) -> list[str]:
    """Return the lines of a file, split at line feeds only and not stripped: characters may be spaces.

    :raises ProcessorError: The file cannot be read, or is not UTF-8.
    """
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProcessorError(f"cannot be read: {error}", where=file.name) from error
    return lines if lines[-1] else lines[:-1]
