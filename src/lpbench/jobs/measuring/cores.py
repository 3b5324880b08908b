"""The cores that workers are pinned to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.util.portable import allowed_cores, binds_to_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.engine_choice import Target


def pinned(target: Target) -> Target:
    """Return a target with the cores to pin its worker to where none were asked for: as many as threads, the last ones.

    The last ones, because core 0 usually carries kernel housekeeping; the cores of fewer threads are among those of
    more, so that configurations differ in nothing else.  Without a number of threads, and of several streams, all.
    """
    asked = target.configuration
    if asked.affinity or asked.streams > 1:
        return target
    return dataclasses.replace(target, configuration=dataclasses.replace(asked, affinity=last_cores([asked.threads])))


def all_cores(targets: Sequence[Target]) -> tuple[int, ...]:
    """Return the cores of all workers together; none where one of them may use all."""
    every = [target.configuration.affinity for target in targets if target.refusal is None]
    return tuple(sorted(set().union(*every))) if all(every) else ()


def last_cores(threads: Sequence[object]) -> tuple[int, ...]:
    """Return the last cores of this process, as many as the greatest of ``threads``; none where one is not known."""
    allowed = allowed_cores() if binds_to_cores() else []
    known = [count for count in threads if isinstance(count, int) and 0 < count <= len(allowed)]
    return tuple(allowed[-max(known) :]) if known and len(known) == len(threads) else ()
