"""Stands in for jetson-stats: what its reference documents of ``jtop``, and an error for any other use of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

STATS: dict[str, object] = {
    "CPU1": 12,
    "CPU2": "OFF",
    "GPU": 37,
    "RAM": 0.41,
    "Temp cpu": 47.5,
    "Temp gpu": 44.25,
    "Temp cv0": -256,
    "Temp tj": 48.0,
    "Power TOT": 5100,
    "nvp model": "15W",
}
POWER: dict[str, Any] = {
    "rail": {"VDD_CPU_GPU_CV": {"volt": 4960, "curr": 200, "power": 992}, "VDD_SOC": {"power": 1400}},
    "tot": {"name": "VDD_IN", "power": 5100},
}
running = True
refuses = ""
"""Why the service does not let anybody in; empty where it does."""
opened: list[jtop] = []


class JtopException(Exception):  # noqa: N818 - its name in jetson-stats
    """What jetson-stats raises."""


class jtop:  # noqa: N801 - its name in jetson-stats
    """The connection to the service."""

    def __init__(self, interval: float = 0.5) -> None:
        if not 0 < interval < 60:
            raise TypeError(interval)

    def __enter__(self) -> Self:
        if refuses:
            raise JtopException(refuses)
        if self in opened:
            raise AssertionError("entered twice")
        opened.append(self)
        return self

    def __exit__(self, *_: object) -> bool:
        opened.remove(self)
        return True

    def ok(self, spin: bool = False) -> bool:  # noqa: FBT001, FBT002 - its signature
        """Return whether the service runs."""
        if not spin:
            raise AssertionError("this would wait for the next values")
        return self in opened and running

    @property
    def stats(self) -> dict[str, object]:
        """Return what it tells, flat."""
        if self not in opened:
            raise AssertionError("read while closed")
        return dict(STATS)

    @property
    def power(self) -> dict[str, Any]:
        """Return rails and total, in mW."""
        if self not in opened:
            raise AssertionError("read while closed")
        return POWER
