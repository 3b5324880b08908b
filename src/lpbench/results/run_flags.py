"""What is wrong with the runs of one configuration together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.results.stages import TOTAL
from lpbench.results.stats import runs_differ
from lpbench.util.layouts import shape_text
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.results.recorded import RunRecord

    Flag = dict[str, str]
    """``name`` and ``reason``."""


def found(records: Sequence[RunRecord], counted: Sequence[RunRecord]) -> list[Flag]:
    """Return what is wrong with the runs together, and how many of them are flagged for what.

    :param counted: Those of the records that measured something and were not repeated.
    """
    flags = [dict(flag) for each in counted for flag in each.flags()]
    names = sorted({flag["name"] for flag in flags})
    runs = {name: [flag["reason"] for flag in flags if flag["name"] == name] for name in names}
    together = [
        {"name": name, "reason": f"{len(reasons)} of {amount(len(counted), 'run')}: {reasons[0]}"}
        for name, reasons in runs.items()
    ]
    differ = runs_differ([each.columns[TOTAL] for each in counted]) if counted else None
    return [*_empty(records), *together, *([{"name": differ.name, "reason": differ.reason}] if differ else [])]


def _empty(records: Sequence[RunRecord]) -> list[Flag]:
    """Return a flag for inputs without a value: the model had nothing to work on."""
    shapes: Mapping[str, tuple[int, ...]] = next((each.empty for each in records if each.empty), {})
    if not shapes:
        return []
    inputs = ", ".join(f'"{name}" ({shape_text(shape)})' for name, shape in shapes.items())
    verb = "holds" if len(shapes) == 1 else "hold"
    return [{"name": "empty", "reason": f"{inputs} {verb} no value: these are the times of a model without work"}]
