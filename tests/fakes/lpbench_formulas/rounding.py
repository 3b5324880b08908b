"""A converter that measures the ranges of values, by the greatest one of each sample, and a processor for chains."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench.plugin.builtin.tensors import RawConfig
from lpbench.plugin.processor import Preprocessor, Sample

from .convert import Maker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.plugin.converter import Conversion, Converted
    from lpbench.plugin.engine import Feeds, Model


class Rounder(Maker):
    """Makes tables of whole numbers, in name: they compute as those in F16 do."""

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Iterate the samples twice, as some quantisers do."""
        (name,) = (each["name"] for each in json.loads(source.path.read_bytes())["inputs"])
        greatest = [float(feeds[name].max()) for feeds in wanted.calibration]
        if greatest != [float(feeds[name].max()) for feeds in wanted.calibration]:
            raise ValueError("the samples differ in the second iteration")
        made = super().convert(source, dataclasses.replace(wanted, precision="F16"))
        content = json.loads(made.model.path.read_bytes())
        made.model.path.write_text(json.dumps({**content, "greatest": greatest}), encoding="ascii")
        return made


class Positive(Preprocessor[RawConfig]):
    """Processes each value above zero that the component before found."""

    def load(self, path: Path) -> Sample:
        """Refuse: nothing begins here."""
        raise ProcessorError(f"{path.name} cannot be read here")

    def items(self, sample: Sample, found: Mapping[str, Any], /) -> list[Sample]:
        """Return a sample for each value."""
        values = next(iter(found.values())).ravel()
        return [Sample(sample.name, value, item=at) for at, value in enumerate(values) if value > 0]

    def __call__(self, sample: Sample, /) -> Feeds:
        """Return the value five times."""
        return {self.inputs[0].name: np.full((1, 5), sample.data, np.float32)}
