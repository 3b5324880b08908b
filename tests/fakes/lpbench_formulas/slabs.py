"""Slabs: tables that depend on the machine, which SLAB_BOARD names; with an empty SLAB_DEVICE no engine runs them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping  # noqa: TC003 - read when a config is built
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lpbench.plugin.converter import ConversionError

from .convert import Maker

if TYPE_CHECKING:
    from lpbench.plugin.converter import Conversion, Converted
    from lpbench.plugin.engine import Model


@dataclass(frozen=True)
class MasonOptions:
    """Options of the converter.

    :param finish: Written into the slab.
    :param layers: Likewise.
    :param sizes: Likewise, by the name of an input.
    """

    finish: Literal["raw", "polished"] = "raw"
    layers: int = 1
    sizes: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)


class Mason(Maker):
    """A maker of slabs, each with the options that it was made with."""

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Write a slab."""
        if not isinstance(wanted.config, MasonOptions):
            raise TypeError(f"got {wanted.config!r} for a config")
        made = super().convert(source, wanted)
        slab = made.model.path.with_suffix(".slab")
        content = json.loads(made.model.path.read_bytes())
        slab.write_text(json.dumps({**content, "made with": dataclasses.asdict(wanted.config)}), encoding="ascii")
        made.model.path.unlink()
        return dataclasses.replace(made, model=dataclasses.replace(made.model, format="slab", path=slab))


def bound(config: MasonOptions) -> Mapping[str, object]:
    """Return the board; SLAB_BOARD may ask for a fault."""
    board = os.environ.get("SLAB_BOARD", "one")
    if board == "crash":
        os.abort()
    if board == "unnamed":
        raise ConversionError("this board has no name", hint="give it one")
    if board == "no text":
        return {"board": 1}
    return {"board": board, "finish": config.finish}


def probe() -> Mapping[str, object]:
    """Return a device; where SLAB_DEVICE is empty, none, for the reason in SLAB_FAULT."""
    device = os.environ.get("SLAB_DEVICE", "chisel")
    fault = os.environ.get("SLAB_FAULT", "it is blunt")
    return {"devices": [device]} if device else {"devices": [], "unusable": {"chisel": fault}}
