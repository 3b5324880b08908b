"""Age and gender of a face, each from an output of its own."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Sample
from lpbench_image._outputs import best
from lpbench_image.post._reading import Reader
from lpbench_image.post.config import AgeGenderConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Outputs, TensorInfo

HALF = 0.5


class AgeGender(NamedTuple):
    """What a face tells; None is what the model does not tell.

    :param age: In years.
    :param gender: From 0, the first label, to 1, the second.
    """

    age: float | None
    gender: float | None


class Faces(Postprocessor[AgeGenderConfig]):
    """Takes an age, or one probability for each year, and a number from 0 to 1 for the gender."""

    def __init__(self, config: AgeGenderConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        shape = (-1,) if config.form == "classes" else (1,)
        self._age = Reader(config.age, outputs, "age", shape) if config.age else None
        self._gender = Reader(config.gender, outputs, "gender", (1,)) if config.gender else None

    def __call__(self, outputs: Outputs, sample: Sample, /) -> AgeGender:
        """Return both.

        :raises ProcessorError: A value is not finite, a probability is below 0, or none is above.
        """
        return AgeGender(
            self._years(self._age, outputs, sample) if self._age else None,
            self._gender(outputs, sample).item() if self._gender else None,
        )

    def describe(self, prediction: AgeGender, /) -> Mapping[str, Any]:
        """Return ``{"age": years, "gender": {"label", "score"}}``, without what the model does not tell."""
        found: dict[str, Any] = {}
        if prediction.age is not None:
            found["age"] = prediction.age
        if prediction.gender is not None:
            second = prediction.gender > HALF
            score = prediction.gender if second else 1 - prediction.gender
            found["gender"] = {"label": self.config.genders[second], "score": score}
        return found

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return ``age`` and ``gender`` as the model tells them, flat."""
        readers = (("age", self._age), ("gender", self._gender))
        return {name: read(outputs, sample) for name, read in readers if read}

    def _years(self, read: Reader, outputs: Outputs, sample: Sample) -> float:
        values = read(outputs, sample)
        if self.config.form == "years":
            return float(values[0])
        years = best(values, self.config.best)
        weights = values[years].tolist()
        if weights[-1] < 0 or not weights[0] > 0:
            raise ProcessorError(
                f'output "{read.info.called}" holds {weights}, which are no probabilities', where=sample.name
            )
        age: float = sum(map(operator.mul, years.tolist(), weights)) / sum(weights)
        return age
