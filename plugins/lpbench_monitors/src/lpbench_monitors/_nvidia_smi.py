"""NVIDIA GPUs through nvidia-smi: one line of comma separated values for each GPU ("nvidia-smi --help-query-gpu").

Where NVML tells nothing it does not either; it counts where nvidia-ml-py is missing.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Unavailable
from lpbench_monitors import _gpus as figures
from lpbench_monitors._gpus import MOST_GPUS, VISIBLE, chosen, merged, overall, possible
from lpbench_monitors._patience import patient

if TYPE_CHECKING:
    from lpbench.plugin.monitor import MonitorTarget, Readings
    from lpbench_monitors._gpus import Figure, Merged

QUERY = "index,name,utilization.gpu,memory.used,temperature.gpu,power.draw,clocks.sm"
COMMAND = ("nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits")
TIMEOUT = 4.0
"""Seconds; below the deadline of the monitor.  Without persistence mode the driver initialises each GPU anew."""
MB_PER_MIB = 1.048576
FIGURES = {
    "utilization.gpu": figures.LOAD,
    "memory.used": figures.MEMORY,
    "temperature.gpu": figures.TEMPERATURE,
    "power.draw": figures.POWER,
    "clocks.sm": figures.FREQUENCY,
}
"""In the order of QUERY, and the last of it."""
INDEX = re.compile(r"\s*(\d{1,3})\s*,")
ROW = re.compile(r"[^,]*,[^,]*" + r",([^,\n]*)" * len(FIGURES) + r"\r?\n")
"""A GPU's number and name, and its values; a line without its end was cut, and its last number with it."""
NUMBER = re.compile(r"[-+]?\d{1,12}(\.\d{1,12})?")
NO_DRIVER = Unavailable(
    "nvidia-smi cannot communicate with NVIDIA's driver",
    "not-here",
    "install NVIDIA's driver, or load it: sudo modprobe nvidia",
)
FAILURES = {
    "couldn't communicate with the NVIDIA driver": NO_DRIVER,
    "Driver Not Loaded": NO_DRIVER,
    "No devices were found": Unavailable("nvidia-smi found no GPU", "not-here"),
    "version mismatch": Unavailable(
        "nvidia-smi and the loaded driver have different versions",
        "failed",
        "restart the machine, or reload the kernel's nvidia modules",
    ),
    "Insufficient Permissions": Unavailable(
        "nvidia-smi does not let this user ask", "no-permission", "let this user read /dev/nvidia*, or run as root"
    ),
    "is lost": Unavailable(
        "nvidia-smi says that a GPU is lost", "failed", "see dmesg for its Xid, then restart the machine"
    ),
}
"""What nvidia-smi prints in place of values, and why there are none."""
Row = dict[str, "float | Unavailable"]
"""A GPU's values by field."""


class NvidiaSmiMonitor(Monitor):
    """Runs nvidia-smi for each sample."""

    def __init__(self, target: MonitorTarget, config: object = None) -> None:
        super().__init__(patient(target), config)

    def sample(self) -> Readings:
        """Return each metric over all GPUs, and by GPU."""
        answer = self.target.commands.run(*COMMAND, timeout=TIMEOUT)
        rows = _why(answer.reason, answer) if isinstance(answer, Unavailable) else parse(answer)
        found = rows if isinstance(rows, Unavailable) else self._visible(rows)
        if isinstance(found, Unavailable):
            return {figure.metric: found for figure in FIGURES.values()}
        readings: Merged = {}
        for field, figure in FIGURES.items():
            readings |= _merged(field, figure, {part: row[field] for part, row in found.items()})
        return readings

    def _visible(self, rows: dict[int, Row]) -> dict[str, Row] | Unavailable:
        """Return the GPUs that count, by part.  All do where UUIDs are chosen: nvidia-smi is not asked for them."""
        variable = os.environ.get(VISIBLE) if self.target.files.here else None
        if variable is not None and "GPU-" not in variable:
            numbers = chosen(variable, [""] * (max(rows) + 1))
            rows = {number: row for number, row in rows.items() if number in numbers}
        if not rows:
            return Unavailable(f"{VISIBLE} hides every GPU: {variable!r:.80}", "not-here", f"unset {VISIBLE}")
        return {f"gpu{number}": row for number, row in rows.items()}


def parse(text: str) -> dict[int, Row] | Unavailable:
    """Return the values of each GPU by its number, or why there are none."""
    lines = [(match, line) for line in text.splitlines(keepends=True) if (match := INDEX.match(line))]
    rows = {int(index[1]): _row(line) for index, line in lines[:MOST_GPUS]}
    return rows or _why(text, _unexpected(text))


def _row(line: str) -> Row:
    """Return a GPU's values; none where its line has another form, because they are told apart by their places."""
    match = ROW.fullmatch(line)
    if match is None:
        return dict.fromkeys(FIGURES, _unexpected(line))
    return {
        field: _value(figure.metric, cell.strip())
        for (field, figure), cell in zip(FIGURES.items(), match.groups(), strict=True)
    }


def _unexpected(text: str) -> Unavailable:
    return Unavailable(f"nvidia-smi printed something unexpected: {text.strip()[:80]!r}", "not-read")


def _value(metric: str, cell: str) -> float | Unavailable:
    """Return a cell's value in the metric's unit; MiB become MB."""
    if not NUMBER.fullmatch(cell):
        return _no_number(cell)
    value = float(cell) * (MB_PER_MIB if metric == "GPU_MEM" else 1.0)
    return possible(metric, value) if math.isfinite(value) else _no_number(cell)


def _no_number(cell: str) -> Unavailable:
    """Return why a cell has no value: ``[N/A]``, ``[Not Supported]``, ``[Unknown Error]``, ``ERR!``."""
    words = cell.strip("[]").lower()
    reason = f"nvidia-smi says {cell[:40]!r}"
    if words in ("n/a", "not supported"):
        return Unavailable(reason, "not-supported")
    if words == "insufficient permissions":
        return Unavailable(reason, "no-permission", "run as root")
    return Unavailable(reason, "failed" if "err" in words or "lost" in words or "reset" in words else "not-read")


def _why(text: str, otherwise: Unavailable) -> Unavailable:
    return next((reason for words, reason in FAILURES.items() if words.lower() in text.lower()), otherwise)


def _merged(field: str, figure: Figure, values: Row) -> Merged:
    readings = merged(figure, values, f"nvidia-smi, {field}")
    if figure is figures.MEMORY:
        readings["GPU_MEM/device"] = overall(figure, values, f"nvidia-smi, {field} of the device")
    return readings
