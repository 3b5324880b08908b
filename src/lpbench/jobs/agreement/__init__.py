"""Whether engines agree: how far their numbers are apart, and whether that is more than arithmetic explains."""

from __future__ import annotations

from lpbench.jobs.agreement._agree import MOST, Step, agree
from lpbench.jobs.agreement._agreed import Agreed, EngineAgreement
from lpbench.jobs.agreement._bisect import Parting
from lpbench.jobs.agreement._tally import Numbers
from lpbench.jobs.parity import F16, F32, Deviation, Tolerance, deviation, excess, judged, together
from lpbench.results.predictions import Agreement, Boxes, boxes, matches, of_predictions, overlap, same_top
from lpbench.util.layouts import in_layout

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
