"""The options of the converter ``atc``; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Literal

from lpbench.plugin.kit.untrusted import brief

SOC = re.compile(r"Ascend[0-9][0-9A-Za-z_-]{0,30}")
OPTION = re.compile(r"[a-z][a-z0-9_]{0,60}")
OURS = frozenset(
    {
        *("model", "framework", "output", "mode", "soc_version", "log", "help", "weight", "om", "json", "singleop"),
        *("input_shape", "input_shape_range", "input_format", "out_nodes", "output_type", "insert_op_conf"),
        *("dynamic_batch_size", "dynamic_image_size", "dynamic_dims", "precision_mode", "precision_mode_v2"),
    }
)
"""Options of ATC that lpbench sets, or that would make another model than the source."""
GEARS = 256
"""Most gears that any ATC takes; most versions take 100."""
SIZE = (1 << 31) - 1
LONGEST = 4096
"""Characters of the value of an option."""


@dataclass(frozen=True)
class AtcConfig:
    """Options of the converter ``atc``.

    :param soc: The NPU to convert for, as ``Ascend310P3``; empty = the one of this machine.
    :param batches: Batch sizes of a model whose inputs have an open first dimension: its gears.
    :param image_sizes: Heights and widths, in pairs, of a model whose pictures (NCHW) have both open.
    :param dims: Sizes of all open dimensions, in the order of the inputs; one list for each gear.
    :param precision_mode: How far ATC departs from F16 with the precision F16; empty = not at all
        (``force_fp16``, its own default).
    :param options: Further options of ATC, by name without dashes, as ``op_select_implmode``; paths are absolute.
    :raises ValueError: A value is out of range, or two kinds of gears are given.
    """

    soc: str = ""
    batches: tuple[int, ...] = ()
    image_sizes: tuple[tuple[int, int], ...] = ()
    dims: tuple[tuple[int, ...], ...] = ()
    precision_mode: Literal["", "allow_mix_precision", "allow_fp32_to_fp16", "force_fp32"] = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_soc(self.soc)
        if len(self.kinds) > 1:
            raise ValueError(f"{self.kinds[1]}: found beside {self.kinds[0]}; expected one kind of gears")
        _check_gears("batches", [(size,) for size in self.batches])
        _check_gears("image_sizes", self.image_sizes)
        _check_gears("dims", self.dims)
        _check_options(self.options)

    @property
    def kinds(self) -> list[str]:
        """The options of gears that are given; at most one."""
        return [name for name in ("batches", "image_sizes", "dims") if getattr(self, name)]


def _check_soc(soc: str) -> None:
    if soc and not SOC.fullmatch(soc):
        full = f"Ascend{soc}"
        meant = full if SOC.fullmatch(full) else "a name such as Ascend310P3"
        raise ValueError(f"soc: found {brief(soc)}; expected {meant}")


def _check_gears(name: str, gears: Sequence[Sequence[int]]) -> None:
    if not gears:
        return
    if not 2 <= len(set(gears)) == len(gears) <= GEARS:  # noqa: PLR2004 - ATC takes no single gear
        raise ValueError(f"{name}: found {brief(list(gears))}; expected 2 to {GEARS} gears, each once")
    if len({len(gear) for gear in gears}) > 1:
        raise ValueError(f"{name}: found {brief(list(gears))}; expected as many sizes in each gear")
    if not all(1 <= size <= SIZE for gear in gears for size in gear):
        raise ValueError(f"{name}: found {brief(list(gears))}; expected sizes from 1 to {SIZE}")


def _check_options(options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if not OPTION.fullmatch(name):
            raise ValueError(f"options: found {brief(name)}; expected names of ATC's options, without dashes")
        if name in OURS:
            raise ValueError(f"options: found {brief(name)}; lpbench sets it, or it would make another model")
        if not value.isprintable() or len(value) > LONGEST:
            raise ValueError(f"options: {name} is {brief(value)}; expected one line of text")
