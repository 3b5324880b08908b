"""Whether engines agree: how far their numbers are apart, and whether that is more than arithmetic explains."""

from __future__ import annotations

from lpbench.jobs.agreement._agree import MOST, agree
from lpbench.jobs.agreement._agreed import Agreed, EngineAgreement
from lpbench.jobs.agreement._bisect import Divergence
from lpbench.jobs.agreement._step import Step
from lpbench.jobs.agreement._tally import ArraySummary

__all__ = ["MOST", "Agreed", "ArraySummary", "Divergence", "EngineAgreement", "Step", "agree"]
