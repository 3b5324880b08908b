"""Values of the share of a roof: work, its share, and the shares of a configuration, as tables and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.machine.roofline import PRECISION
from lpbench.results.metrics import MILLISECOND
from lpbench.util.jsonable import to_jsonable
from lpbench.util.shown import Sheet, Shown, figure, several
from lpbench.util.text import amount
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.machine.roofline import ThreadRoof

SOURCE = (
    "the roof is what numpy's matrix product computes, and the fastest of reading, copying and adding moves; "
    "lpbench doctor --roofline shows it"
)
"""Where the two ceilings come from."""
COLUMNS = ("", "ms", "GFLOP", "GFLOP/s", "GB/s", "of the roof", "bound")


@dataclass(frozen=True)
class Work:
    """Some of a model's work, as its analysis counts it.

    :param bytes_moved: None where a size is not known.
    """

    flop: int
    bytes_moved: int | None
    layers: int = 1

    def times(self, factor: int) -> Work:
        """Return the work of several inferences, one after the other."""
        moved = None if self.bytes_moved is None else self.bytes_moved * factor
        return Work(self.flop * factor, moved, self.layers)


@dataclass(frozen=True)
class RoofShare:
    """How near some work came to the roof.

    :param name: A layer, a kind of layers, or empty for all of the inference.
    :param ns: What it took, nanoseconds.
    :param roof_ns: The least that it can take by the roof; None where the bytes are not known.
    :param bound: ``compute`` or ``memory``, whichever takes longer by the roof; empty where ``roof_ns`` is None.
    :param interval: Of the share, from that of the time; None where the time has none.
    """

    name: str
    work: Work
    ns: float
    roof_ns: float | None
    bound: str
    interval: tuple[float, float] | None = None

    @property
    def gflops(self) -> float:
        """Operations per second that were achieved, GFLOP/s."""
        return self.work.flop / self.ns

    @property
    def gbs(self) -> float | None:
        """Bytes per second that were moved, GB/s, as if no cache held any; None where the bytes are not known."""
        return None if self.work.bytes_moved is None else self.work.bytes_moved / self.ns

    @property
    def share(self) -> float | None:
        """The least time over the measured one: 1 is the roof; above 1 the roof or the count of the work is too low."""
        return None if self.roof_ns is None else self.roof_ns / self.ns

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON, with what follows from its numbers."""
        derived = {"gflops": self.gflops, "gbs": self.gbs, "share": self.share}
        return {**to_jsonable(self), **derived}


@dataclass(frozen=True, repr=False)
class RooflineShares(Shown):
    """How near a configuration came to the roof of its threads.

    :param configuration: What it is called.
    :param total: All of the inference, or why that cannot be said.
    :param kinds: By kind of layer, the slowest first, from the profile's times.
    :param layers: Of each layer of the profile that was found in the model, in order of execution.
    :param unmatched_times: Layers of the profile that are none of the model's: copies that the engine adds, say.
    :param unmatched_costs: Layers of the model that the profile has no time for.
    :param by_order: Layers of the profile that were found by their order alone, since their names differ.
    :param profile: Why there are no kinds and layers; None where there are.
    :param notes: What a reader has to know about the shares, a plain sentence each.
    """

    configuration: str
    roof: ThreadRoof
    total: RoofShare | Unavailable
    kinds: tuple[RoofShare, ...] = ()
    layers: tuple[RoofShare, ...] = ()
    unmatched_times: tuple[str, ...] = ()
    unmatched_costs: tuple[str, ...] = ()
    by_order: int = 0
    profile: Unavailable | None = None
    notes: tuple[str, ...] = ()

    def in_short(self) -> str:
        """Return the share of the whole inference, or why it is not known."""
        total = self.total
        return f"{self.configuration}: {total.reason if isinstance(total, Unavailable) else _percent(total.share)}"

    def sheet(self) -> Sheet:
        """Return a row for the inference and one for each kind of layers."""
        threads, peak = amount(self.roof.threads, "thread"), f"{figure(self.roof.product.best)} GFLOP/s {PRECISION}"
        roof = f"{threads} at most {peak} and {figure(self.roof.bandwidth.best)} GB/s, ridge {figure(self.roof.ridge)}"
        total = self.total
        rows = [("inference", *_cells(total))] if isinstance(total, RoofShare) else []
        rows += [(f"  {each.name}", *_cells(each)) for each in self.kinds]
        why = [f"no share of the inference: {total.reason}"] if isinstance(total, Unavailable) else []
        notes = [*why, *self._found(), SOURCE]
        return Sheet([f"{self.configuration}: {roof} FLOP/B"], COLUMNS if rows else (), rows, notes)

    def layers_sheet(self) -> Sheet:
        """Return a row for each layer, in order of execution."""
        return Sheet((), COLUMNS if self.layers else (), [(each.name, *_cells(each)) for each in self.layers])

    def _found(self) -> list[str]:
        """Return which layers of the profile were found in the model, and the notes."""
        if self.profile is not None:
            return [f"no shares of layers: {self.profile.reason}", *self.notes]
        whole = len(self.layers) + len(self.unmatched_times)
        order = f", {self.by_order} of them by their order" if self.by_order else ""
        names = f"; not: {several(self.unmatched_times)}" if self.unmatched_times else ""
        lines = [f"{len(self.layers)} of the profile's {amount(whole, 'layer')} were found in the model{order}{names}"]
        if self.unmatched_costs:
            lines.append(f"without a time in the profile: {several(self.unmatched_costs)}")
        return [*lines, *self.notes]

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        total = self.total
        return {
            **to_jsonable(self),
            "total": to_jsonable(total) if isinstance(total, Unavailable) else total.to_dict(),
            "kinds": [each.to_dict() for each in self.kinds],
            "layers": [each.to_dict() for each in self.layers],
        }


def _cells(share: RoofShare) -> tuple[str, ...]:
    """Return the cells of a row, but for its name; nothing is shown where nothing is known."""
    low_high = f" ({_percent(share.interval[0])} to {_percent(share.interval[1])})" if share.interval else ""
    return (
        figure(share.ns / MILLISECOND),
        figure(share.work.flop / 1e9),
        figure(share.gflops),
        "-" if share.gbs is None else figure(share.gbs),
        f"{_percent(share.share)}{low_high}",
        share.bound or "-",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{figure(100 * share)} %"
