"""Whether engines agree: how far their numbers are apart, and whether that is more than arithmetic explains."""

from __future__ import annotations

from lpbench.agreement._agree import MOST, Step, agree
from lpbench.agreement._agreed import Agreed, EngineAgreement
from lpbench.agreement._bisect import Parting
from lpbench.agreement._numbers import F16, F32, Deviation, Tolerance, deviation, excess, in_layout, judged, together
from lpbench.agreement._predictions import Agreement, Boxes, boxes, matches, of_predictions, overlap, same_top
from lpbench.agreement._tally import Numbers

__all__ = [
    "F16",
    "F32",
    "MOST",
    "Agreed",
    "Agreement",
    "Boxes",
    "Deviation",
    "EngineAgreement",
    "Numbers",
    "Parting",
    "Step",
    "Tolerance",
    "agree",
    "boxes",
    "deviation",
    "excess",
    "in_layout",
    "judged",
    "matches",
    "of_predictions",
    "overlap",
    "same_top",
    "together",
]
