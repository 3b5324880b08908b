"""A converter that measures the ranges of values: it writes the greatest one of each sample into a table."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from .convert import Maker

if TYPE_CHECKING:
    from lpbench.plugin.converter import Conversion, Converted
    from lpbench.plugin.engine import Model


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
