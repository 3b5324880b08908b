"""Puts weights that an ONNX model stores sparsely in place of dense ones, as which operators read them."""

from __future__ import annotations

from typing import Any

from lpbench.errors import AnalysisError
from lpbench_ort.analysis.order import subgraphs


def widen(graph: Any) -> int:
    """Return how many sparse weights became dense ones without content, in a graph and those inside it.

    :param graph: An ``onnx.GraphProto``, which is changed.
    :raises AnalysisError: One has a negative size.
    """
    for sparse in graph.sparse_initializer:
        if any(size < 0 for size in sparse.dims):
            raise AnalysisError(f'weight "{sparse.values.name}" has a negative size', hint="export it again")
        graph.initializer.add(name=sparse.values.name, data_type=sparse.values.data_type, dims=sparse.dims)
    widened = len(graph.sparse_initializer)
    del graph.sparse_initializer[:]
    return widened + sum(widen(inner) for node in graph.node for inner in subgraphs(node))
