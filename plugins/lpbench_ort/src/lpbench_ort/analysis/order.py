"""Puts the operators of a graph into an order in which they can run, and refuses graphs that have none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MOST = 200_000
"""Operators of a graph."""
SHOWN = 5
"""Operators of a cycle that an error names."""


def sort(graph: Any, outside: Collection[str] = ()) -> None:
    """Sort the operators of a graph, and of the graphs inside it, by what they read.

    :param graph: An ``onnx.GraphProto``, which is changed.
    :param outside: Tensors of the graphs around it.
    :raises AnalysisError: Operators wait for each other, one reads what nothing writes, or two write the same.
    """
    if len(graph.node) > MOST:
        raise AnalysisError(f"has {len(graph.node)} operators; at most {MOST} are analysed")
    _refuse_bytes(graph)
    given = {"", *outside, *(info.name for info in graph.input), *(tensor.name for tensor in graph.initializer)}
    given |= {sparse.values.name for sparse in graph.sparse_initializer}
    writers = _writers(graph)
    known = {*given, *writers}
    needs = [{name for name in _reads(node) if name in writers} for node in graph.node]
    for node in graph.node:
        if missing := [name for name in node.input if name not in known]:
            raise AnalysisError(f'operator {label(node)} reads "{missing[0]}", which nothing writes')
    order = _order(graph, needs, writers)
    if order != list(range(len(order))):
        nodes = [graph.node[at] for at in order]
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)
    for node in graph.node:
        for inner in subgraphs(node):
            sort(inner, known)


def label(node: Any) -> str:
    """Return what an operator is called: its name, or that of what it writes."""
    return node.name or next(filter(None, node.output), "") or node.op_type


def subgraphs(node: Any) -> Iterator[Any]:
    """Yield the graphs in an operator's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _refuse_bytes(graph: Any) -> None:
    """Refuse names that are not UTF-8, which protobuf hands over as bytes."""
    named = (*graph.input, *graph.output, *graph.initializer, *(sparse.values for sparse in graph.sparse_initializer))
    texts = [each.name for each in named]
    for node in graph.node:
        attributes = (each.name for each in node.attribute)
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output, *attributes]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise AnalysisError(f"has a name that is not UTF-8: {wrong[0]!r:.60}", hint="export it again")


def _writers(graph: Any) -> dict[str, int]:
    written = [(name, at) for at, node in enumerate(graph.node) for name in node.output if name]
    twice = next((name for name, count in Counter(name for name, _ in written).items() if count > 1), "")
    if twice:
        raise AnalysisError(f'several operators write "{twice}"')
    return dict(written)


def names_read(graph: Any) -> Iterator[str]:
    """Yield what the operators of a graph read, and what those of the graphs inside it read."""
    for node in graph.node:
        yield from _reads(node)


def _reads(node: Any) -> Iterator[str]:
    yield from node.input
    for inner in subgraphs(node):
        yield from names_read(inner)
        yield from (info.name for info in inner.output)


def _order(graph: Any, needs: list[set[str]], writers: dict[str, int]) -> list[int]:
    """Return an order of the operators: the file's own where that works (Kahn's algorithm with a heap)."""
    import heapq

    readers: dict[str, list[int]] = {}
    for at, names in enumerate(needs):
        for name in names:
            readers.setdefault(name, []).append(at)
    waiting = [len(names) for names in needs]
    ready = [at for at, count in enumerate(waiting) if not count]
    order = []
    while ready:
        at = heapq.heappop(ready)
        order.append(at)
        for name in graph.node[at].output:
            for reader in readers.get(name, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    heapq.heappush(ready, reader)
    if len(order) < len(needs):
        raise _cycle(graph, needs, writers, {*range(len(needs))} - set(order))
    return order


def _cycle(graph: Any, needs: list[set[str]], writers: dict[str, int], left: set[int]) -> AnalysisError:
    """Return the error that names the operators of a cycle: whoever is left waits for another that is left."""
    at, path = min(left), list[int]()
    while at not in path:
        path.append(at)
        at = next(writers[name] for name in sorted(needs[at]) if writers[name] in left)
    cycle = [label(graph.node[each]) for each in reversed(path[path.index(at) :])]
    shown = [*cycle[:SHOWN], "…"] if len(cycle) > SHOWN else [*cycle, cycle[0]]
    return AnalysisError(f"the graph has a cycle: {' → '.join(shown)}")
