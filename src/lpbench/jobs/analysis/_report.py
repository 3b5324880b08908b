"""The analyses of an app's models."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.util.jsonable import to_jsonable
from lpbench.util.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.jobs.operator_support import OperatorSupport
    from lpbench.plugin.analyzer import Analysis
    from lpbench.util.unavailable import Unavailable

GIGA, MEGA = 1e9, 1e6


@dataclass(frozen=True, repr=False)
class ModelAnalysis(Shown):
    """The analysis of one component's model.

    :param component: Its name in the app.
    :param format: The format of the file that was analysed.
    :param file: Its path.
    :param variant: Its variant among the app's models; empty for the app's own.
    :param analyzer: The name of the analyzer.
    :param engines: What installed engines say of its operators; empty unless that was asked for.
    """

    component: str
    format: str
    file: str
    variant: str
    analyzer: str
    analysis: Analysis
    engines: tuple[OperatorSupport, ...] = ()

    def in_short(self) -> str:
        """Return the component with its operations, weights and their size."""
        found = self.analysis
        return f"{self.component}: {found.flop / GIGA:.1f} GFLOP, {found.params / MEGA:.1f} M, {self._storage()}"

    def _storage(self) -> str:
        return f"{self.analysis.storage_bytes / MEGA:.1f} MB {self.analysis.precision}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary ready for JSON, with the sums of the layers."""
        found = self.analysis
        record: dict[str, Any] = to_jsonable(dataclasses.asdict(self))
        sums = ("flop", "operators", "uncounted", "bytes_moved", "intensity")
        record["analysis"] |= {name: to_jsonable(getattr(found, name)) for name in sums}
        return record


@dataclass(frozen=True, repr=False)
class AnalysisReport(Shown):
    """The analyses of an app's models, one for each component, in the order in which they run.

    The totals are of one inference of each; an app may run a component several times for one sample.

    :param missing: By component that could not be analysed, the reason; the totals leave it out.
    """

    app: str
    models: tuple[ModelAnalysis, ...]
    missing: Mapping[str, Unavailable] = field(default_factory=dict)

    @property
    def flop(self) -> int:
        """Floating-point operations, 2 per multiply-accumulate."""
        return sum(model.analysis.flop for model in self.models)

    @property
    def params(self) -> int:
        """Learnable weights."""
        return sum(model.analysis.params for model in self.models)

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights as they are stored."""
        return sum(model.analysis.storage_bytes for model in self.models)

    @property
    def uncounted(self) -> Mapping[str, int]:
        """Number of operators without a known rule, by type."""
        counts: Counter[str] = Counter()
        for model in self.models:
            counts.update(model.analysis.uncounted)
        return dict(counts.most_common())

    def in_short(self) -> str:
        """Return the app with the short form of each analysis."""
        return f"{self.app}, {'; '.join(model.in_short() for model in self.models)}"

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary ready for JSON, with the totals under the names of the published tables."""
        totals = {"GFLOP": self.flop / GIGA, "#PARAMS": self.params / MEGA, "STORAGE": self.storage_bytes / MEGA}
        models, missing = [model.to_dict() for model in self.models], to_jsonable(self.missing)
        return {"app": self.app, **totals, "models": models, "missing": missing}
