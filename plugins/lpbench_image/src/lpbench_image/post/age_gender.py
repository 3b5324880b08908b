"""The postprocessor ``age-gender``: age and gender of a face, each from a separate output."""

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
    """Age and gender of a face; None for an attribute that the model does not predict.

    :param age: In years.
    :param gender: From 0, the first label, to 1, the second label.
    """

    age: float | None
    gender: float | None


class Faces(Postprocessor[AgeGenderConfig]):
    """Reads an age, or one probability for each year, and a number from 0 to 1 for the gender."""

    def __init__(self, config: AgeGenderConfig, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        shape = (-1,) if config.form == "classes" else (1,)
        self._age = Reader(config.age, outputs, "age", shape) if config.age else None
        self._gender = Reader(config.gender, outputs, "gender", (1,)) if config.gender else None

    def __call__(self, outputs: Outputs, sample: Sample, /) -> AgeGender:
        """Return age and gender.

        :raises ProcessorError: A value is not finite, a probability is negative, or all probabilities are 0.
        """
        return AgeGender(
            self._years(self._age, outputs, sample) if self._age else None,
            self._gender(outputs, sample).item() if self._gender else None,
        )

    def describe(self, prediction: AgeGender, /) -> Mapping[str, Any]:
        """Return ``{"age": years, "gender": {"label", "score"}}``, without what the model does not predict."""
        described: dict[str, Any] = {}
        if prediction.age is not None:
            described["age"] = prediction.age
        if prediction.gender is not None:
            second = prediction.gender > HALF
            score = prediction.gender if second else 1 - prediction.gender
            described["gender"] = {"label": self.config.genders[second], "score": score}
        return described

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return the outputs ``age`` and ``gender``, flattened."""
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
                f'output "{read.info.called}" holds {weights}, which are not probabilities', where=sample.name
            )
        age: float = sum(map(operator.mul, years.tolist(), weights)) / sum(weights)
        return age
