"""Sweeps: many configurations of apps into a folder that outlives whatever ends the process.

``_plan`` says what is asked for, ``_product`` which configurations that makes, ``_prepare`` what each of them is called
and why some cannot be; ``_queue`` keeps them, ``_measure`` measures a block of them in turns with the reference.
"""

from __future__ import annotations

from lpbench.jobs.sweep._plan import SweepPlan, documentation
from lpbench.jobs.sweep._sweep import PLAN_SUFFIX, begun, carry_out, load_sweep, outlined, plan_of, sweep

__all__ = [
    "PLAN_SUFFIX",
    "SweepPlan",
    "begun",
    "carry_out",
    "documentation",
    "load_sweep",
    "outlined",
    "plan_of",
    "sweep",
]
