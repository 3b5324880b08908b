"""The memory bus of Jetson modules, and what a share of its clock amounts to.

Bus widths are those of NVIDIA's data sheets of the modules ("Memory": ``8 GB 128-bit LPDDR4x`` of Xavier NX, ``4ch x
16-bit`` of Nano).  There are two transfers in a period of the memory controller's clock: 64 bit at 1600 MHz are the
25.6 GB/s of a Jetson Nano, 256 bit at 4266 MHz the 273 GB/s of a Jetson AGX Thor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Reading, Unavailable
from lpbench_monitors import _board, _keys

if TYPE_CHECKING:
    from lpbench.plugin.monitor import FileTree

METRIC = "MEMORY_BANDWIDTH"
TRANSFERS = 2
MOST_MHZ = 20_000.0
SMALL_KB = 6_000_000
"""Memory in kB between Orin Nano 4GB and 8GB, whose models have the same name."""


@dataclass(frozen=True)
class Bus:
    """A memory bus.

    :param assumed: Whether it is concluded, or known from other sources than the data sheet of a module of this name.
    """

    bits: int
    assumed: bool = False


BUSES = (
    ("jetson agx thor", Bus(256)),
    ("jetson agx orin", Bus(256)),
    ("jetson orin nx", Bus(128, assumed=True)),
    ("jetson agx xavier", Bus(256)),
    ("jetson xavier nx", Bus(128)),
    ("jetson-agx", Bus(256, assumed=True)),  # the name of AGX Xavier up to JetPack 4
    ("jetson tx2 nx", Bus(128, assumed=True)),
    ("jetson tx2", Bus(128, assumed=True)),
    ("quill", Bus(128, assumed=True)),  # the name of TX2 up to JetPack 4
    ("jetson tx1", Bus(64, assumed=True)),
    ("jetson nano", Bus(64)),
)
"""By a part of the model's name, lower-case; the first that matches counts."""


def bus(files: FileTree) -> Bus | Unavailable:
    """Return the machine's memory bus, or why it is not known."""
    board = _board.model(files)
    if not board:
        return Unavailable(f"the bus width is not known: there is no /{_board.MODEL}", "not-here")
    if "orin nano" in board.lower():
        return _orin_nano(files)
    known = next((bus for name, bus in BUSES if name in board.lower()), None)
    return known or Unavailable(f"the bus width of {board} is not known", "not-read")


def _orin_nano(files: FileTree) -> Bus | Unavailable:
    words = (files.text("proc/meminfo") or "").split(maxsplit=2)
    if len(words) < 2 or words[0] != "MemTotal:" or not words[1].isdecimal():  # noqa: PLR2004 - name and value
        return Unavailable("the bus width of Jetson Orin Nano depends on its memory, which is not told", "not-read")
    return Bus(64 if len(words[1]) < 12 and int(words[1]) < SMALL_KB else 128, assumed=True)  # noqa: PLR2004 - in kB


def bandwidth(percent: float, mhz: float, width: Bus, source: str, at: float | None = None) -> Reading | Unavailable:
    """Return the estimate in MB/s of what is transferred.

    :param percent: Share of the controller's clock periods that transfer data.
    :param mhz: The controller's clock.
    """
    if not 0 <= percent <= 100 or not 0 < mhz <= MOST_MHZ:  # noqa: PLR2004 - percent
        return Unavailable(f"{source} tells what cannot be: {percent:g} % of {mhz:g} MHz", "not-read")
    rate = percent / 100 * mhz * TRANSFERS * width.bits / 8
    if not _keys.possible(METRIC, rate):
        return Unavailable(f"{source} tells what cannot be: {rate:g} MB/s", "not-read")
    how = f"{width.bits} bit{' (assumed)' if width.assumed else ''}"
    return Reading(rate, "MB/s", "machine", f"{source}: estimate from EMC utilisation and a bus of {how}", at=at)
