"""The roof of this machine, and the share of it that inference reaches."""

from lpbench.jobs.roofline._of_result import roof_shares
from lpbench.jobs.roofline._probe import kept_roof, roofline
from lpbench.jobs.roofline._values import RooflineShares, RoofShare, Work

__all__ = ["RoofShare", "RooflineShares", "Work", "kept_roof", "roof_shares", "roofline"]
