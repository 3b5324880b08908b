"""The contracts of processors: a sample becomes feeds, outputs become a prediction."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lpbench.errors import ProcessorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

__all__ = ["Postprocessor", "Preprocessor", "ProcessorError", "Sample"]

C = TypeVar("C")


class Sample:
    """One item that is sent through an app.

    :param name: How reports call it: a file name, or a number for generated data.
    :param data: The decoded item, an image array say; the preprocessor's own type.
    :param region: The part of it that a later component of a chain looks at; the preprocessor's own type.
    :param item: Which of the things that the component before found this is, from zero.
    """

    __slots__ = ("data", "geometry", "item", "name", "region")

    def __init__(self, name: str, data: Any, *, region: Any = None, item: int = 0) -> None:
        self.name = name
        self.data = data
        self.region = region
        self.item = item
        self.geometry: Any = None
        """What a preprocessor leaves for the postprocessor: scale and offset of a letterbox, say."""


class Preprocessor(abc.ABC, Generic[C]):
    """Turns samples into feeds; built once, then called for every sample.

    :param config: An instance of the dataclass that the spec names.
    :param inputs: The session's inputs, shapes in force.
    :raises ProcessorError: The config does not fit the inputs.
    """

    def __init__(self, config: C, inputs: Sequence[TensorInfo]) -> None:
        self.config = config
        self.inputs = inputs

    @abc.abstractmethod
    def load(self, path: Path) -> Sample:
        """Read and decode one file; outside the timed region unless the app says otherwise.

        :raises ProcessorError: Naming the file, if it cannot be decoded.
        """

    @abc.abstractmethod
    def __call__(self, sample: Sample, /) -> Feeds:
        """Return arrays by input name; they stay valid until the next call."""

    def generate(self, index: int, seed: int) -> Sample:
        """Return a synthetic sample, the same for the same ``index`` and ``seed``.

        :raises ProcessorError: This preprocessor makes no data up.
        """
        raise ProcessorError(f"{type(self).__name__} needs samples", hint="give a folder of them: --data DIR")

    def items(self, sample: Sample, found: Any, /) -> Sequence[Sample]:
        """Return what this component of a chain is to look at, given what the one before found; this is timed.

        Each has the number of the thing found in ``item``, and by default the
        sample's own data; none where nothing was found.

        :param sample: What the component before looked at.
        :param found: Its prediction.
        """
        return (sample,)

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        """Write the sample with what was found drawn on it and return the file, or None if there is nothing to show.

        :param described: What ``Postprocessor.describe`` returned; later components' findings under their names.
        """
        return None

    def steps(self, sample: Sample) -> Mapping[str, int]:
        """Return the nanoseconds of this preprocessor's own steps for one sample, by name; empty if it has none.

        Never called in the timed region: ``--explain`` splits the stage by them.
        """
        return {}


class Postprocessor(abc.ABC, Generic[C]):
    """Turns a session's outputs into a prediction; built once, then called for every sample.

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
        """Return the prediction of one sample; this is what is timed."""

    @abc.abstractmethod
    def describe(self, prediction: Any, /) -> Mapping[str, Any]:
        """Return a prediction ready for JSON; not timed.

        Class names stand under ``label``, confidences under ``score``, lists of
        candidates under ``top``, best first, things found under ``items``, each
        with ``box`` (left, top, right, bottom) and ``points`` (x, y) in pixels of
        the sample.
        """

    def values(self, outputs: Outputs, sample: Sample, /) -> Mapping[str, Any]:
        """Return the numbers behind a prediction in full, as arrays by name; not timed.

        ``lpbench agree`` compares them between engines, so names, shapes and
        layouts do not depend on the engine: class scores after their activation,
        say.  By default the outputs, under the names that the app gives them.
        """
        return {each.called: outputs[each.name] for each in self.outputs}
