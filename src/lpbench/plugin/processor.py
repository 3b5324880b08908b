"""The contracts of processors: a sample is turned into feeds, and outputs into a prediction."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lpbench.errors import ProcessorError, setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

__all__ = ["Postprocessor", "Preprocessor", "ProcessorError", "Sample"]

C = TypeVar("C")


class Sample:
    """One sample that an app processes.

    :param name: Its name in reports: a file name, or a number for generated data.
    :param data: The decoded sample, for example an image array; of the preprocessor's own type.
    :param region: The part of it that a later component of a chain processes; of the preprocessor's own type.
    :param item: Index, from zero, of this item among those that the previous component found.
    """

    __slots__ = ("data", "geometry", "item", "name", "region")

    def __init__(self, name: str, data: Any, *, region: Any = None, item: int = 0) -> None:
        self.name = name
        self.data = data
        self.region = region
        self.item = item
        self.geometry: Any = None
        """Data from the preprocessor for the postprocessor, for example scale and offset of a letterbox."""


class Preprocessor(abc.ABC, Generic[C]):
    """Turns samples into feeds; constructed once, then called for every sample.

    :param config: An instance of the dataclass that the spec names.
    :param inputs: The session's inputs, with the requested shapes applied.
    :raises ProcessorError: The config does not fit the inputs.
    """

    def __init__(self, config: C, inputs: Sequence[TensorInfo]) -> None:
        self.config = config
        self.inputs = inputs

    @abc.abstractmethod
    def load(self, path: Path) -> Sample:
        """Read and decode one file; not timed unless the app sets ``decode_in_region``.

        :raises ProcessorError: Naming the file, if it cannot be decoded.
        """

    @abc.abstractmethod
    def __call__(self, sample: Sample, /) -> Feeds:
        """Return arrays by input name; they stay valid until the next call."""

    def generate(self, index: int, seed: int) -> Sample:
        """Return a synthetic sample, the same for the same ``index`` and ``seed``.

        :raises ProcessorError: This preprocessor cannot generate samples.
        """
        raise ProcessorError(
            f"{type(self).__name__} needs samples", hint=f"give a folder of them: {setting('data', 'DIR')}"
        )

    def items(self, sample: Sample, found: Any, /) -> Sequence[Sample]:
        """Return the samples that this component of a chain processes, given the previous component's result; timed.

        Each has the index of the item found in ``item``, and by default the
        sample's own data; empty if the previous component found nothing.

        :param sample: The sample that the previous component processed.
        :param found: The previous component's prediction.
        """
        return (sample,)

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        """Write the sample with the prediction drawn on it; return the file, or None if there is nothing to draw.

        :param described: The result of ``Postprocessor.describe``; those of later components under their names.
        """
        return None

    def steps(self, sample: Sample) -> Mapping[str, int]:
        """Return the nanoseconds of this preprocessor's own steps for one sample, by name; empty if it has none.

        Never called in the timed region; ``--explain`` uses it to split the stage.
        """
        return {}


class Postprocessor(abc.ABC, Generic[C]):
    """Turns a session's outputs into a prediction; constructed once, then called for every sample.

    :param config: An instance of the dataclass that the spec names.
    :param outputs: The session's outputs.
    :param labels: The app's class names, in order; may be empty.
    :raises ProcessorError: The config or the labels do not fit the outputs.
    """

    def __init__(self, config: C, outputs: Sequence[TensorInfo], labels: Sequence[str]) -> None:
        self.config = config
        self.outputs = outputs
        self.labels = labels

    @abc.abstractmethod
    def __call__(self, outputs: Outputs, sample: Sample, /) -> Any:
        """Return the prediction of one sample; timed."""

    @abc.abstractmethod
    def describe(self, prediction: Any, /) -> Mapping[str, Any]:
        """Return a prediction as JSON values; not timed.

        The keys are ``label`` for class names, ``score`` for confidences, ``top``
        for lists of candidates, best first, and ``items`` for the items found, each
        with ``box`` (left, top, right, bottom) and ``points`` (x, y) in pixels of
        the sample.
        """

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return all numbers on which a prediction is based, as arrays by name; not timed.

        ``lpbench agree`` compares them between engines, so names, shapes and
        layouts must not depend on the engine.  An example is class scores after
        their activation.  By default the outputs, under the app's names for them.
        """
        return {info.called: outputs[info.name] for info in self.outputs}
