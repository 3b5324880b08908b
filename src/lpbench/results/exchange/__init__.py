"""The published dataset format, deliverable D6.4, appendix 7.1: a descriptor and a CSV for each algorithm and platform.

``descriptor`` and ``csv_columns`` read and write the two files, ``faults`` finds what is known to be wrong in published
data, ``fault_report`` counts it, ``joining`` adds quality that was published beside, ``store`` reads and writes
folders, ``tables`` makes tables of pairs and of sweeps, ``sweeps`` exports a sweep, ``algorithms`` does both for rows
of an algorithm, and ``checking`` validates.
"""

from __future__ import annotations

from lpbench.results.exchange.checking import problems
from lpbench.results.exchange.store import Dataset, import_dataset, is_dataset, load, load_dataset
from lpbench.results.exchange.sweeps import Exported, pair_of, write_pair
from lpbench.results.exchange.tables import REPEATS, table_of

__all__ = [
    "REPEATS",
    "Dataset",
    "Exported",
    "import_dataset",
    "is_dataset",
    "load",
    "load_dataset",
    "pair_of",
    "problems",
    "table_of",
    "write_pair",
]
