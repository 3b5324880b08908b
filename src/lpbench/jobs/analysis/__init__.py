"""Static analysis: what one inference of a model costs, counted from its file by a plugin's analyzer."""

from __future__ import annotations

from lpbench.jobs.analysis._analyze import analyze
from lpbench.jobs.analysis._report import AnalysisReport, ModelAnalysis

__all__ = ["AnalysisReport", "ModelAnalysis", "analyze"]
