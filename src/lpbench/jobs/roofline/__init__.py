"""The roof of this machine, and the share of it that inference reaches."""

from lpbench.jobs.roofline._of_result import shares_of
from lpbench.jobs.roofline._probe import kept_roof, roofline
from lpbench.jobs.roofline._values import RooflineShares, RoofShare, Work

__all__ = ["RoofShare", "RooflineShares", "Work", "kept_roof", "roofline", "shares_of"]
