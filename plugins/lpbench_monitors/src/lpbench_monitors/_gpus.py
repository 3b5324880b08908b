"""What the values of several GPUs become: one for all of them, and a part for each, such as ``GPU_LOAD/gpu0``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lpbench.plugin.monitor import METRICS, Reading, Unavailable

Values = Mapping[str, "float | Unavailable"]
"""By part: ``gpu0``."""
Merged = dict[str, "Reading | Unavailable"]
MOST_GPUS = 32
LONGEST_NUMBER = 10
VISIBLE = "CUDA_VISIBLE_DEVICES"
POSSIBLE = {"MHz": (1.0, 2e4), "MB": (0.0, 1e8)}
"""What a GPU's clock and memory can be, by unit; ``METRICS`` has wider ranges."""


@dataclass(frozen=True)
class Figure:
    """A metric of several GPUs.

    :param metric: Its name.
    :param of: What becomes of the GPUs' values.
    :param complete: Whether it says something only if every GPU tells: a sum that leaves one out is too small.
    :param cumulative: Whether it counts up.
    """

    metric: str
    of: Callable[[Iterable[float]], float]
    complete: bool = False
    cumulative: bool = False


LOAD = Figure("GPU_LOAD", statistics.fmean)
MEMORY = Figure("GPU_MEM", sum, complete=True)
TEMPERATURE = Figure("GPU_TEMP", max)
FREQUENCY = Figure("GPU_FREQ", statistics.fmean)
POWER = Figure("POWER_CONSUMPTION", sum, complete=True)
ENERGY = Figure("ENERGY", sum, complete=True, cumulative=True)


def possible(metric: str, value: float) -> float | Unavailable:
    """Return a value that the metric can have, or that it cannot be."""
    span = METRICS[metric]
    least, most = POSSIBLE.get(span.unit, (span.least, span.most))
    return value if least <= value <= most else Unavailable(f"{value:g} {span.unit} cannot be", "not-read")


def merged(figure: Figure, values: Values, source: str) -> Merged:
    """Return the reading of all GPUs, or why there is none, and that of each."""
    return {figure.metric: overall(figure, values, source), **parts(figure, values, source)}


def overall(figure: Figure, values: Values, source: str) -> Reading | Unavailable:
    """Return the reading of all GPUs, or why there is none."""
    told = [value for value in values.values() if not isinstance(value, Unavailable)]
    if not told or (figure.complete and len(told) < len(values)):
        return _why(values)
    some = "" if len(told) == len(values) else f", of {len(told)} of {len(values)} GPUs"
    return _reading(figure, figure.of(told), source + some)


def parts(figure: Figure, values: Values, source: str) -> Merged:
    """Return the reading of each GPU, or why it has none."""
    return {
        f"{figure.metric}/{part}": value if isinstance(value, Unavailable) else _reading(figure, value, source)
        for part, value in values.items()
    }


def chosen(variable: str | None, uuids: Sequence[str]) -> list[int]:
    """Return the numbers of the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves visible.

    It lists numbers or beginnings of UUIDs, and ends at the first that is neither (CUDA C++ Programming Guide,
    "CUDA Environment Variables").  Numbers are those of NVML, which follow the PCI bus.  Where it names instances of a
    divided GPU, every GPU counts.

    :param variable: Its content; None where it is not set.
    :param uuids: By GPU.
    """
    if variable is None or "MIG-" in variable:
        return list(range(len(uuids)))
    found: list[int] = []
    for entry in variable.split(","):
        number = _number(entry.strip(), uuids)
        if number is None:
            break
        found.append(number)
    return sorted(set(found))


def _number(entry: str, uuids: Sequence[str]) -> int | None:
    if entry.isascii() and entry.isdigit():
        return int(entry) if len(entry) < LONGEST_NUMBER and int(entry) < len(uuids) else None
    matching = [number for number, uuid in enumerate(uuids) if entry.startswith("GPU-") and uuid.startswith(entry)]
    return matching[0] if len(matching) == 1 else None


def _reading(figure: Figure, value: float, source: str) -> Reading:
    return Reading(value, METRICS[figure.metric].unit, "device", source, figure.cumulative)


def _why(values: Values) -> Unavailable:
    """Return the reason of the first GPU that has one, with its name if there are several GPUs."""
    part, reason = next((part, value) for part, value in values.items() if isinstance(value, Unavailable))
    return reason if len(values) == 1 else Unavailable(f"{part}: {reason.reason}", reason.code, reason.hint)
