"""Tensors for a converted model: the same values that its source gets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.plugin.builtin.tensors import TensorConfig, TensorPreprocessor
from lpbench.plugin.processor import Preprocessor, Sample
from lpbench.worker.named_tensors import named
from lpbench.worker.tensor_wire import fitted, plain_layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, TensorInfo


class SourceTensors(Preprocessor[TensorConfig]):
    """Loads or generates the source's tensors; renames, transposes and casts them outside the timed region.

    :param types: Types of the source's inputs that have another one in the converted model, by the source's names.
    """

    def __init__(
        self, config: TensorConfig, inputs: Sequence[TensorInfo], *, types: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(config, inputs)
        own = types or {}
        self._source = TensorPreprocessor(config, tuple(as_source(info, own.get(info.called)) for info in inputs))

    def load(self, path: Path) -> Sample:
        """Return the source's tensors from a file, fitted to the converted model.

        :raises ProcessorError: As for the source.
        """
        return self._fitted(self._source.load(path))

    def generate(self, index: int, seed: int) -> Sample:
        """Return the source's synthetic tensors, fitted to the converted model."""
        return self._fitted(self._source.generate(index, seed))

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the sample's tensors by input name, unchanged."""
        feeds: Feeds = sample.data
        return feeds

    def _fitted(self, sample: Sample) -> Sample:
        return Sample(sample.name, dict(fitted(named(sample.data, self._source.inputs), self.inputs)))


def as_source(info: TensorInfo, dtype: str | None = None) -> TensorInfo:
    """Return an input as the source has it: under the name that the app uses, channels first.

    :param dtype: The source's type, if it is another one.
    """
    shape: tuple[Any, ...] = info.shape
    if info.layout and len(shape) == len(info.layout):
        shape = tuple(shape[info.layout.index(axis)] for axis in plain_layout(info.layout, len(shape)))
    return dataclasses.replace(info, name=info.called, dtype=dtype or info.dtype, shape=shape, layout="", alias="")
