"""Exports what a sweep measured in the published dataset format."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench import datasheets
from lpbench.errors import OutOfRangeError, setting
from lpbench.jobs.sweep import load_sweep
from lpbench.results.exchange import pair_of, write_pair
from lpbench.results.sweep import Sweep
from lpbench.util.arguments import checked
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.results.exchange import Exported


@checked
def export(  # noqa: PLR0913 - one keyword for each option of the command
    sweep: Sweep | str | Path,
    output: str | Path,
    *,
    algorithm: str,
    platform: str,
    price: float | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write what a sweep measured as ``<algorithm>_<platform>.json`` and ``.csv``, and return where they are.

    :param sweep: A sweep, such as ``sweep.where(engine="ncnn")``, or its folder.
    :param output: The folder for the two files, which may hold those of other algorithms and platforms.
    :param algorithm: What the rows are about, such as ``imagenet``.
    :param platform: The machine, as published data calls it; other names that its data sheet knows will do.
    :param price: Of the platform; None takes that of its data sheet.
    :raises ResultError: Nothing was measured, a name has an underscore, or a value is one that readers would have to
        repair: an impossible one, a zero that means nothing, a configuration that no column tells from another.
    :raises OutOfRangeError: The price is below 0 or not finite.
    """
    if price is not None and not 0 <= price < math.inf:
        raise OutOfRangeError(f"found {price}", where=setting("price"), hint="it takes 0 or more")
    found = sweep if isinstance(sweep, Sweep) else load_sweep(sweep)
    known = datasheets.platform_id(platform)
    stated = datasheets.price(known)
    if price is None and not isinstance(stated, Unavailable):
        price = stated.figure
    pair, notes = pair_of(found, algorithm, known, price)
    if known != platform:
        notes.append(f"{platform} is called {known} in published data")
    if price is None:
        why = stated.reason if isinstance(stated, Unavailable) else "its data sheet has no single amount"
        notes.append(f"HW_price is not known: {why}")
    return write_pair(pair, Path(output), notes, overwrite=overwrite)
