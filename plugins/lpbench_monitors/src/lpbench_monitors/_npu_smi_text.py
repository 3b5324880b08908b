"""What npu-smi prints, as values.

Documented in hiascend.com's "npu-smi Command Reference" for Atlas 200I A2 (23.0.RC3 to 26.0.RC1): ``npu-smi info``, a
table of two rows for each NPU; ``npu-smi info -t usages|power|common``, blocks of ``key : value``; ``npu-smi info
watch``, a row for each second.  A value that cannot be, ``NA`` or ``-`` is None.  npu-smi says MB, and
they are kept as told.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LINES = 2000
"""Lines of an answer that are looked at: a machine has 16 chips."""
WIDTH = 400
CHIPS = 64
MOST_MB, MOST_W = 1e8, 1e5
COLDEST, HOTTEST = -50.0, 200.0


@dataclass(frozen=True)
class Chip:
    """A chip of an NPU, and what npu-smi says of it.

    :param load: AI cores, in %; ``aicpu`` and ``ctrlcpu`` are its processors, ``bandwidth`` the memory's share in use.
    :param memory: MB in use, of all its kinds of memory.
    :param capacity: MB that it has; None where it has two kinds, so that a share in % is of neither.
    :param power: W that it draws; the power of an NPU is told with its first chip.
    :param rated: The power is a rated one, which says nothing about what it draws.
    """

    npu: int
    chip: int
    load: float | None = None
    aicpu: float | None = None
    ctrlcpu: float | None = None
    bandwidth: float | None = None
    memory: float | None = None
    capacity: float | None = None
    temperature: float | None = None
    power: float | None = None
    rated: bool = False

    def filled(self, other: Chip) -> Chip:
        """Return it with the other's values where it has none."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(other, **{**own, "rated": self.rated or other.rated})


@dataclass(frozen=True)
class Blocks:
    """What ``npu-smi info -t`` says of an NPU: its chips, and W of the board that carries it."""

    chips: tuple[Chip, ...]
    board: float | None = None


def number(text: str | None, least: float, most: float) -> float | None:
    """Return a decimal number within a range; None for everything else."""
    if text is None or len(text) > 20 or not re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII):  # noqa: PLR2004 - digits
        return None
    value = float(text)
    return value if math.isfinite(value) and least <= value <= most else None


def percent(text: str | None) -> float | None:
    """Return a share in %."""
    return number(text, 0, 100)


def celsius(text: str | None) -> float | None:
    """Return a temperature; a sensor that is not connected gives none."""
    return number(text, COLDEST, HOTTEST)


def watts(text: str | None) -> float | None:
    """Return a power."""
    return number(text, 0, MOST_W)


def megabytes(text: str | None) -> float | None:
    """Return an amount of memory in MB."""
    return number(text, 0, MOST_MB)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,4}", text, re.ASCII) else None


# npu-smi info


def table(text: str) -> tuple[Chip, ...]:
    """Return the chips of ``npu-smi info``, each with the power and temperature of the row before its own."""
    chips: dict[tuple[int, int], Chip] = {}
    card: Chip | None = None
    for first, cells in _rows(text):
        if first:
            card = _card(cells)
        elif card and (chip := _chip(card, cells)) and len(chips) < CHIPS:
            chips.setdefault((chip.npu, chip.chip), chip)
    return tuple(chips.values())


def _rows(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the rows of numbers of the first table, and whether each is the first of its NPU.

    Rows of an NPU stand between two rulers, the first of them has a health where the others have an address or NA.
    """
    first = True
    for line in text.splitlines()[:LINES]:
        row = line.strip()[:WIDTH]
        if re.search(r"process\s*id", row, re.IGNORECASE):
            return
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if row.startswith("+"):
            first = True
        elif row.startswith("|") and len(cells) > 2 and re.match(r"\d", row[1:].strip(), re.ASCII):  # noqa: PLR2004 - columns
            yield first or (cells[1].isalpha() and cells[1] != "NA"), cells
            first = False


def _card(cells: list[str]) -> Chip | None:
    """Return an NPU by its first row: number and name, health, power and temperature."""
    words, values = cells[0].split(), cells[2].split()
    npu = _whole(words[0])
    if npu is None:
        return None
    rated = bool(re.fullmatch(r"(ascend)?310", "".join(words[1:]).lower()))  # it has no power sensor: -t power says so
    power, temperature = [*values, "", ""][:2]
    return Chip(npu, 0, temperature=celsius(temperature), power=None if rated else watts(power), rated=rated)


def _chip(card: Chip, cells: list[str]) -> Chip | None:
    """Return a chip by its row: its number, its address, AI cores in %, and MB in use / MB for each kind of memory."""
    number_, load = _whole(cells[0].split()[0]), cells[2].split()[:1]
    if number_ is None:
        return None
    pairs = re.findall(r"(\S+?)\s*/\s*(\d+)", cells[2].partition(" ")[2], re.ASCII)
    memory, capacity = _memory([(megabytes(used), megabytes(most)) for used, most in pairs])
    share = percent(load[0]) if load else None
    return dataclasses.replace(card, chip=number_, load=share, memory=memory, capacity=capacity)


def _memory(kinds: list[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """Return MB in use of all kinds of memory, and the capacity if there is one kind; a kind of 0 MB is not there."""
    there = [(used, most) for used, most in kinds if most]
    used = [used for used, most in there if used is not None and used <= most]
    whole = sum(used) if used and len(used) == len(there) else None
    return whole, there[0][1] if len(there) == 1 else None


# npu-smi info -t


IDENTITY = ("chip id", "chip name")
HEAD = ("npu id", "chip count", "slot id")
MEMORIES = ("hbm", "memory", "ddr")
POWER = "power dissipation(w)"


def blocks(text: str, npu: int) -> Blocks:
    """Return what the blocks of ``npu-smi info -t`` say of an NPU's chips, and of the board's controller (MCU)."""
    chips: dict[int, Chip] = {}
    board: float | None = None
    has_board = re.search(r"chip name\s*:\s*mcu", text, re.IGNORECASE) is not None
    for block in _blocks(text):
        chip = _identity(block)
        if chip is None:
            power = watts(block.get(POWER)) or watts(block.get("npu real-time power(w)"))
            board = power if power is not None and "mcu" in block.get("chip name", "").lower() else board
        elif len(chips) < CHIPS:
            if has_board and not any(key in block for key in IDENTITY):
                block.pop(POWER, None)  # nobody says whether it is the chip's or the board's
            found = _of_block(block, npu, chip)
            chips[chip] = chips.get(chip, found).filled(found)
    return Blocks(tuple(chips.values()), board)


def _blocks(text: str) -> list[dict[str, str]]:
    """Return the blocks: an empty line ends one, and so does the key that names the next chip.

    Some answers name the chip before its values (common), others after them (usages, power).
    """
    found: list[dict[str, str]] = [{}]
    leads: bool | None = None
    for line in text.splitlines()[:LINES]:
        name, colon, value = line[:WIDTH].partition(":")
        key = re.sub(r"\s+(?=\()", "", " ".join(name.lower().split()))
        if not line.strip():
            found.append({})
            leads = None
        elif colon and key not in HEAD:
            leads = key in IDENTITY if leads is None else leads
            if key in found[-1] or _begins(key, found[-1], leads=leads):
                found.append({})
            found[-1][key] = value.strip()
    return [block for block in found if block]


def _begins(key: str, block: Mapping[str, str], *, leads: bool) -> bool:
    """Return whether a key is the first of the next block."""
    if leads:
        return key in IDENTITY and any(known not in IDENTITY for known in block)
    return key not in IDENTITY and any(known in IDENTITY for known in block)


def _identity(block: Mapping[str, str]) -> int | None:
    """Return the number of the NPU's chip that a block describes; None if it is another part of the board."""
    if "chip id" in block:
        return _whole(block["chip id"])
    name = block.get("chip name", "").lower()
    return None if name and not re.search(r"ascend|310|910|950", name) else 0


def _of_block(block: Mapping[str, str], npu: int, chip: int) -> Chip:
    present = [kind for kind in MEMORIES if f"{kind} capacity(mb)" in block]
    memory, capacity = _memory([_used(block, kind) for kind in present])
    power = watts(block.get("npu real-time power(w)"))
    bandwidths = (percent(block.get(f"{kind} bandwidth usage rate(%)")) for kind in MEMORIES)
    temperature = block.get("temperature(c)", block.get("npu temperature(c)"))
    return Chip(
        npu,
        chip,
        load=percent(block.get("aicore usage rate(%)")),
        aicpu=percent(block.get("aicpu usage rate(%)")),
        ctrlcpu=percent(block.get("ctrlcpu usage rate(%)")),
        bandwidth=next((share for share in bandwidths if share is not None), None),
        memory=memory,
        capacity=capacity,
        temperature=celsius(temperature),
        power=watts(block.get(POWER)) if power is None else power,
        rated="rated power dissipation(w)" in block and power is None,
    )


def _used(block: Mapping[str, str], kind: str) -> tuple[float | None, float | None]:
    most, share = megabytes(block[f"{kind} capacity(mb)"]), percent(block.get(f"{kind} usage rate(%)"))
    return None if most is None or share is None else most * share / 100, most


# npu-smi info watch


COLUMNS = ("npu", "chip", "power", "temperature", "load", "aicpu", "ctrlcpu", "memory", "bandwidth")
TITLES = {
    "npuid": "npu",
    "chipid": "chip",
    "pwr": "power",
    "temp": "temperature",
    "ai core": "load",
    "ai cpu": "aicpu",
    "ctrl cpu": "ctrlcpu",
    "memory": "memory",
    "hbm": "memory",
    "memory bw": "bandwidth",
    "hbm bw": "bandwidth",
}


def titles(line: str) -> tuple[str, ...] | None:
    """Return the columns that a header of ``npu-smi info watch`` names; None if the line is none."""
    names = [name.strip().lower() for name in re.findall(r"([a-z][a-z ]*)\([^()]*\)", line[:WIDTH], re.IGNORECASE)]
    return tuple(TITLES.get(name, name) for name in names) if "npuid" in names else None


def watched(line: str, columns: tuple[str, ...], known: Chip) -> Chip | None:
    """Return what a row of ``npu-smi info watch`` says of a chip whose capacity is known; None if it is none of it."""
    words = line[:WIDTH].split()
    row = dict(zip(columns, words, strict=False))
    if len(words) != len(columns) or (_whole(row.get("npu")), _whole(row.get("chip"))) != (known.npu, known.chip):
        return None
    share = percent(row.get("memory"))
    return Chip(
        known.npu,
        known.chip,
        load=percent(row.get("load")),
        aicpu=percent(row.get("aicpu")),
        ctrlcpu=percent(row.get("ctrlcpu")),
        bandwidth=percent(row.get("bandwidth")),
        memory=None if share is None or known.capacity is None else share / 100 * known.capacity,
        capacity=known.capacity,
        temperature=celsius(row.get("temperature")),
        power=None if known.rated else watts(row.get("power")),
        rated=known.rated,
    )
