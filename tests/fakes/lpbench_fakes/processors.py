"""Processors of numbers in text files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs


@dataclass(frozen=True)
class TextConfig:
    """Settings of the text processors."""

    offset: int = 0


class TextPre(Preprocessor[TextConfig]):
    """Reads a whole number from a text file and adds the offset."""

    def load(self, path: Path) -> Sample:
        """Read the number."""
        try:
            return Sample(path.name, int(path.read_text(encoding="ascii")))
        except ValueError as error:
            raise ProcessorError("holds no whole number", where=str(path)) from error

    def generate(self, index: int, seed: int) -> Sample:
        """Return a number computed from index and seed."""
        return Sample(f"generated {index}", 1000 * seed + index)

    def __call__(self, sample: Sample, /) -> Feeds:
        """Feed the number; refuse negative ones, as other preprocessors refuse unsuitable sizes."""
        if sample.data < 0:
            raise ProcessorError(f"{sample.name}: negative")
        sample.geometry = self.config.offset
        return {"number": sample.data + self.config.offset}

    def draw(self, sample: Sample, described: Mapping[str, Any], folder: Path) -> Path | None:
        """Write the number and its label; there is nothing to show for 0."""
        (best,) = described["top"]
        if not best["index"]:
            return None
        path = folder / f"{sample.name}.drawn"
        path.write_text(f"{sample.data} {best['label']}", encoding="ascii")
        return path

    def items(self, sample: Sample, found: Any, /) -> list[Sample]:
        """Return one item per digit of the number found; 0 gives none."""
        digits = str(found) if found else ""
        return [Sample(f"{sample.name}[{at}]", int(digit), item=at) for at, digit in enumerate(digits)]


class TextPost(Postprocessor[TextConfig]):
    """Subtracts the offset and names the label."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> Any:
        """Return the doubled number."""
        return outputs["double"] - 2 * sample.geometry

    def describe(self, prediction: Any, /) -> Mapping[str, Any]:
        """Return the label and the number."""
        label = self.labels[prediction % len(self.labels)] if self.labels else str(prediction)
        return {"top": [{"label": label, "index": prediction, "score": float("inf")}]}
