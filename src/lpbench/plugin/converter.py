"""The contract of a converter: a model of one format becomes files of another.

A converter runs in a process of its own, since converters crash and hang; what it
wrote counts only once it was loaded, run and compared with the source there.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Model, Shapes

__all__ = ["Conversion", "ConversionError", "Converted", "Converter"]


@dataclass(frozen=True)
class Conversion:
    """What is asked of a converter.

    :param folder: An empty folder for the converted files; everything in it is kept.
    :param scratch: An empty folder for what is not kept.
    :param precision: Of the weights, one of the spec's ``precisions``.
    :param shapes: Of every input whose dimensions the model leaves open, by the source's names.
    """

    folder: Path
    scratch: Path
    precision: str = "F32"
    shapes: Shapes = field(default_factory=dict)


@dataclass(frozen=True)
class Converted:
    """What a converter made.

    :param model: Its files, all in the conversion's folder.  Every input and output is stated, with the source's name
        for it as ``alias`` where that differs, and with its layout where the order of dimensions was changed.
    :param tools: Names and versions of what did it, for the provenance.
    """

    model: Model
    tools: Mapping[str, str] = field(default_factory=dict)


class Converter(abc.ABC):
    """Turns a model of one format into another; built without arguments, used in a process of its own."""

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Fetch what converting needs and is not there yet: a tool in the cache say, never in the user's environment.

        :raises ConversionError: It cannot be had here; the hint says how.
        """

    @abc.abstractmethod
    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model.

        :raises ConversionError: Naming what cannot be converted, an operator say.
        """
