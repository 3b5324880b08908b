"""The cores that workers are pinned to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.util.portable import allowed_cores, binds_to_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.engine_choice import Target


def cores_for(targets: Sequence[Target]) -> tuple[int, ...]:
    """Return the cores to pin workers to where none were asked for: as many as threads, the last ones.

    The same for every worker, since two that may move measure where they were put (method, rule 2); the last ones,
    because core 0 usually carries kernel housekeeping.  Without a number of threads, all.
    """
    return last_cores([target.configuration.threads for target in targets if target.refusal is None])


def last_cores(threads: Sequence[object]) -> tuple[int, ...]:
    """Return the last cores of this process, as many as the greatest of ``threads``; none where one is not known."""
    allowed = allowed_cores() if binds_to_cores() else []
    known = [count for count in threads if isinstance(count, int) and 0 < count <= len(allowed)]
    return tuple(allowed[-max(known) :]) if known and len(known) == len(threads) else ()
