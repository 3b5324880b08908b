"""Whether engines agree: how far their numbers are apart, and whether that is more than arithmetic explains."""

from __future__ import annotations

from lpbench.agreement._numbers import F16, F32, Deviation, Tolerance, deviation, in_layout, judged, like, together
from lpbench.agreement._numbers import tolerance as tolerance_for
from lpbench.agreement._predictions import Agreement, Boxes, boxes, matches, of_predictions, overlap, same_top

__all__ = [
    "F16",
    "F32",
    "Agreement",
    "Boxes",
    "Deviation",
    "Tolerance",
    "boxes",
    "deviation",
    "in_layout",
    "judged",
    "like",
    "matches",
    "of_predictions",
    "overlap",
    "same_top",
    "together",
    "tolerance_for",
]
