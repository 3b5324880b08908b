"""An algorithm that sums numbers up, with one fault."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lpbench.plugin.algorithm import Algorithm

from .fault import is_broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.algorithm import Values


class SloppyAlgorithm(Algorithm):
    """Sums up."""

    def run(self, values: Values, prepared: Any) -> int:
        """Return the sum."""
        count = int(values["count"])
        if is_broken("algorithm/every_variable_runs_at_both_ends") and count == 9:
            raise ArithmeticError("too many")
        return sum(range(count)) + int(prepared)

    def judge(self, values: Values, prepared: Any, answer: int) -> Mapping[str, float | None]:
        """Return the sum, and in a sloppy mood what differs between processes or was not asked for."""
        if is_broken("algorithm/an_instance_is_the_same_in_every_process"):
            return {"total": answer + os.getpid()}
        more = {"mean": 1.0} if is_broken("algorithm/targets_are_those_of_the_signature") else {}
        return {"total": answer, **more}
