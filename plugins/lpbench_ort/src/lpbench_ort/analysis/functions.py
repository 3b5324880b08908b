"""Replaces calls of an ONNX model's own functions by what these do, unless that takes too much memory or never ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError
from lpbench_ort.analysis.order import subgraphs
from lpbench_ort.analysis.structure import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = tuple[str, str, str]

DEEPEST = 100
"""Functions that call each other, one inside the other."""
OVERHEAD = 1000
"""Bytes that an operator takes in memory beside its own content."""


def inlined(model: Any) -> Any:
    """Return a model without calls of its own functions.

    :raises AnalysisError: They call themselves, or there would be too many operators.
    """
    if not model.functions:
        return model
    import onnx.inliner

    if _Expansion(model.functions).bytes(model.graph.node) > LARGEST:
        what = f"calls its functions so often that its operators would take more than {LARGEST >> 20} MiB"
        raise AnalysisError(what, hint="export it without functions")
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the library raises types of its own
        reason = " ".join(str(error).split())[:200]
        raise AnalysisError(f"has functions that cannot be resolved: {reason}", hint="export it again") from error


class _Expansion:
    """Tells how much operators take once all calls are replaced, each function computed once."""

    def __init__(self, functions: Iterable[Any]) -> None:
        self._functions = {(each.domain, each.name, getattr(each, "overload", "")): each for each in functions}
        self._known: dict[Key, int] = {}

    def bytes(self, nodes: Iterable[Any], level: int = 0) -> int:
        """Return the bytes of some operators, what they call and the graphs inside them included."""
        if level > DEEPEST:
            what = f"has functions that call themselves, or over {DEEPEST} of them one inside the other"
            raise AnalysisError(what, hint="export it without functions")
        return sum(self._of(node, level) for node in nodes)

    def _of(self, node: Any, level: int) -> int:
        key = (node.domain, node.op_type, getattr(node, "overload", ""))
        if key in self._functions and key not in self._known:
            self._known[key] = self.bytes(self._functions[key].node, level + 1)
        inner = sum(self.bytes(graph.node, level + 1) for graph in subgraphs(node))
        return OVERHEAD + int(node.ByteSize()) + inner + self._known.get(key, 0)
