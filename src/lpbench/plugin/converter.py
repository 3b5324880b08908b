"""The contract of a converter, which turns a model of one format into files of another.

A converter runs in its own process, because converters may crash or hang.  Its result
is accepted only after it was loaded, run and compared with the source in that process.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Model, Shapes

__all__ = ["Conversion", "ConversionError", "Converted", "Converter", "Limits"]


class Limits(NamedTuple):
    """How far an output may differ from the source's.

    :param largest: Largest error, a fraction of the output's range in the source.
    :param mean: Mean error, likewise.
    :param cosine: Least cosine between the two.
    """

    largest: float
    mean: float
    cosine: float


@dataclass(frozen=True)
class Conversion:
    """The request to a converter.

    :param folder: An empty folder for the converted files; everything in it is kept.
    :param scratch: An empty folder for temporary files.
    :param precision: Precision of the weights, one of the spec's ``precisions``.
    :param shapes: Shapes of every input with open dimensions, by the source's input names.
    :param config: An instance of the spec's ``config``; None without one.
    :param calibration: The app's samples as its preprocessor makes them, arrays by the source's input names, for
        precisions among the spec's ``calibrated``; it can be iterated several times, and reads one at a time.
    """

    folder: Path
    scratch: Path
    precision: str = "F32"
    shapes: Shapes = field(default_factory=dict)
    config: Any = None
    calibration: Iterable[Feeds] = ()


@dataclass(frozen=True)
class Converted:
    """The result of a converter.

    :param model: Its files, all in the conversion's folder.  Every input and output is stated, with its name in the
        source as ``alias`` if that differs, and with its layout if the order of dimensions was changed.
    :param tools: Names and versions of the tools used, for the provenance.
    """

    model: Model
    tools: Mapping[str, str] = field(default_factory=dict)


class Converter(abc.ABC):
    """Converts a model from one format to another; constructed without arguments, runs in its own process."""

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Fetch what the conversion needs, such as a tool, into the cache, never into the user's environment.

        :raises ConversionError: It is not available here; the hint says how to get it.
        """

    @abc.abstractmethod
    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model.

        :raises ConversionError: Naming what cannot be converted, for example an operator.
        """
