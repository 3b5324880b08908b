"""Sweeps: many configurations of apps into a folder that outlives whatever ends the process.

``_plan`` says what is asked for, ``_product`` which configurations that makes, ``_prepare`` what each of them is called
and why some cannot be; ``_queue`` keeps them, ``_measure`` measures a block of them in turns with the reference.
Modules whose names begin with ``_algorithm`` do the same for algorithms.
"""

from __future__ import annotations

from lpbench.jobs.sweep._algorithm import is_algorithm
from lpbench.jobs.sweep._plan import SweepPlan, documentation
from lpbench.jobs.sweep._sweep import PLAN_SUFFIX, begun, carry_out, load_sweep, outlined, plan_of, sweep

__all__ = [
    "PLAN_SUFFIX",
    "SweepPlan",
    "begun",
    "carry_out",
    "documentation",
    "is_algorithm",
    "load_sweep",
    "outlined",
    "plan_of",
    "sweep",
]
