"""A preprocessor of numbers in text files and a postprocessor that names the largest, with one fault at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample

from .fault import is_broken, leak, meddle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

SHARED = np.zeros((1, 3), np.float32)


class Pre(Preprocessor[Any]):
    """Reads three numbers and scales them into one buffer."""

    def __init__(self, config: Any, inputs: Sequence[TensorInfo]) -> None:
        super().__init__(config, inputs)
        meddle("preprocessor")
        self._buffer = np.zeros((1, 3), np.float32)
        if is_broken("preprocessor/two_preprocessors_do_not_mix"):
            self._buffer = SHARED
        self._calls = 0

    def load(self, path: Path) -> Sample:
        """Read the numbers."""
        try:
            numbers = np.array([float(word) for word in path.read_text(encoding="ascii").split()], np.float32)
            if numbers.shape != (3,):
                raise ProcessorError(f"holds {numbers.size} numbers; expected 3", where=str(path))
        except (OSError, ValueError) as error:
            place = "" if is_broken("preprocessor/bad_sample_is_named") else str(path)
            raise ProcessorError("cannot be read", where=place) from error
        return Sample("a file" if is_broken("preprocessor/samples_are_named") else path.name, numbers)

    def generate(self, index: int, seed: int) -> Sample:
        """Make numbers up."""
        entropy = None if is_broken("preprocessor/synthetic_samples_repeat") else (index, seed)
        return Sample(str(index), np.random.default_rng(entropy).random(3, np.float32))

    def __call__(self, sample: Sample, /) -> Feeds:
        """Fill the buffer."""
        leak("preprocessor/calls_leave_nothing_behind")
        self._calls += 1
        if self._calls == 1 or not is_broken("preprocessor/samples_do_not_mix"):
            self._buffer[:] = sample.data * np.float32(getattr(self.config, "scale", 2))
        if is_broken("preprocessor/feeds_are_right"):
            self._buffer += 1
        if is_broken("preprocessor/sample_is_unchanged"):
            sample.data *= 2
        if is_broken("preprocessor/feeds_match_the_inputs"):
            return {"x": self._buffer.astype(np.float64)}
        if is_broken("preprocessor/feeds_lie_side_by_side"):
            return {"x": np.repeat(self._buffer, 2, axis=1)[:, ::2]}
        return {"x": self._buffer}


class Post(Postprocessor[Any]):
    """Names the largest output."""

    def __init__(self, config: Any, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        super().__init__(config, outputs, labels)
        meddle("postprocessor")
        self._first: Any = None

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Any:
        """Return the scores, best first."""
        leak("postprocessor/calls_leave_nothing_behind")
        scores = outputs["y"][0]
        if is_broken("postprocessor/outputs_are_unchanged"):
            scores *= 2
        if is_broken("postprocessor/outputs_may_be_read_only"):
            scores += 0
        found = [(int(at), float(scores[at])) for at in np.argsort(-scores)]
        if is_broken("postprocessor/outputs_do_not_mix"):
            self._first = found = self._first or found
        return found

    def describe(self, prediction: Any, /) -> Mapping[str, Any]:
        """Return the candidates."""
        if is_broken("postprocessor/predictions_describe_as_json"):
            return {}
        offset = is_broken("postprocessor/description_is_right")
        top = [{"label": self.labels[at], "score": score + offset} for at, score in prediction]
        return {"top": top[::-1] if is_broken("postprocessor/candidates_come_best_first") else top}
