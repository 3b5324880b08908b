"""Static analyses as text and as HTML: the totals first, a table of what makes them up, and what was not counted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from lpbench.render import Column, _html, blocks, digits
from lpbench.render._numbers import ABSENT
from lpbench.render._table import hanging, wrapped
from lpbench.util.text import amount, clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lpbench.jobs.analysis import AnalysisReport, ModelAnalysis
    from lpbench.jobs.operator_support import OperatorSupport
    from lpbench.plugin.analyzer import Analysis, LayerCost
    from lpbench.render._table import Paint

GIGA, MEGA, KILO = 1e9, 1e6, 1e3
FIRST = 0.05
"""Numbers below it have no first decimal to show."""
LISTED = 12
"""Types of operators that a line names."""
ENGINES = [Column("engine", left=True), Column("version", left=True), Column("operators", left=True)]
FIGURES = ("GFLOP", "share", "params M", "weights MB", "moved MB", "FLOP/B")


@dataclasses.dataclass(frozen=True)
class Detail:
    """How much is shown.

    :param layers: A row for each layer.
    :param operators: A row for each type of operator instead of each kind.
    """

    layers: bool = False
    operators: bool = False


def screen(report: AnalysisReport, *, width: int, paint: Paint, detail: Detail | None = None) -> list[str]:
    """Return the lines of a report."""
    lines = []
    if len(report.models) + len(report.missing) > 1:
        lines += [*(paint(line, "bold") for line in hanging(_total(report), width, 0)), ""]
    for number, model in enumerate(report.models):
        lines += [*([""] if number else []), *_model(report, model, width, paint, detail or Detail())]
    return [*lines, *(paint(line, "warn") for text in _missing(report) for line in wrapped(text, width))]


def html(report: AnalysisReport) -> list[str]:
    """Return the parts of a report in HTML."""
    parts = [_html.heading(_total(report))] if len(report.models) + len(report.missing) > 1 else []
    for model in report.models:
        found = model.analysis
        parts += [
            _html.heading(_answer(found)),
            _html.paragraph(_subject(report, model)),
            _html.paragraph(_memory(found)),
        ]
        parts.append(_html.grid(_columns("kind", ""), _groups(found, by_kind), {}))
        parts += [_html.grid(ENGINES, list(map(_engine, model.engines)), {})] if model.engines else []
        parts += map(_html.paragraph, _notes(found))
    return [*parts, *map(_html.paragraph, _missing(report))]


def _model(report: AnalysisReport, model: ModelAnalysis, width: int, paint: Paint, detail: Detail) -> list[str]:
    found = model.analysis
    lines = [*(paint(line, "bold") for line in hanging(_answer(found), width, 0))]
    lines += [paint(line, "dim") for text in (_subject(report, model), _memory(found)) for line in wrapped(text, width)]
    key = by_type if detail.operators else by_kind
    lines += ["", *_grid(_columns("operator" if detail.operators else "kind", ""), _groups(found, key), width, paint)]
    if detail.layers:
        lines += ["", *_grid(_columns("layer", "type"), [_layer(found, layer) for layer in found.layers], width, paint)]
    lines += ["", *_grid(ENGINES, list(map(_engine, model.engines)), width, paint)] if model.engines else []
    return [*lines, *(paint(line, "warn") for note in _notes(found) for line in wrapped(note, width))]


def _total(report: AnalysisReport) -> str:
    sums = f"{_operations(report.flop, report.uncounted)} · {_one_decimal(report.params / MEGA)} M parameters"
    storage = f"{_one_decimal(report.storage_bytes / MEGA)} MB"
    some = f" of {len(report.models) + len(report.missing)}" if report.missing else ""
    each = f"one inference of each of {len(report.models)}{some} components"
    return clean(f"{report.app}: {sums} · {storage}, {each}")


def _missing(report: AnalysisReport) -> list[str]:
    """Return a line for each component that could not be analysed."""
    lines = [f"{name}: not analysed: {why.reason}" for name, why in report.missing.items()]
    return [
        clean(f"{line}; {why.hint}" if why.hint else line)
        for line, why in zip(lines, report.missing.values(), strict=True)
    ]


def _answer(found: Analysis) -> str:
    """Return the figures of the published tables, with their decimals."""
    storage = f"{_one_decimal(found.storage_bytes / MEGA)} MB {found.precision}".rstrip()
    parts = _operations(found.flop, found.uncounted), f"{_one_decimal(found.params / MEGA)} M parameters", storage
    return " · ".join(parts)


def _operations(flop: int, uncounted: Mapping[str, int]) -> str:
    """Return the operations, of which some may not have been counted."""
    return f"{'at least ' if uncounted else ''}{_one_decimal(flop / GIGA)} GFLOP"


def _subject(report: AnalysisReport, model: ModelAnalysis) -> str:
    name = f"{report.app} {model.component}" if len(report.models) + len(report.missing) > 1 else report.app
    shapes = ", ".join(f"{info.name} {_shape(info.shape)}" for info in model.analysis.inputs)
    file = " ".join(filter(None, (model.format, model.variant)))
    return clean(f"{name} · {file} · one inference of {shapes or 'no input'}")


def _memory(found: Analysis) -> str:
    peak, moved = found.activation_bytes, found.bytes_moved
    return (
        f"activations {_megabytes(peak)} MB at most · {_megabytes(moved)} MB moved · "
        f"{digits(found.intensity)} FLOP per byte moved"
    )


def by_kind(layer: LayerCost) -> str:
    """Return a layer's kind."""
    return layer.kind


def by_type(layer: LayerCost) -> str:
    """Return a layer's type of operator."""
    return layer.type


def _engine(support: OperatorSupport) -> list[str]:
    """Return the row of an engine: the operators that it lacks, with their numbers and the first reason."""
    lacking = support.unsupported
    if isinstance(lacking, Unavailable):
        words = f"not known: {lacking.reason}"
    elif lacking:
        names = (f"{max(len(each.names), 1)} {each.type}" for each in lacking)
        reason = next((f": {each.reason}" for each in lacking if each.reason), "")
        words = f"lacks {', '.join(names)}{reason}"
    else:
        words = "has all operators"
    return [clean(support.engine), clean(support.version), clean(words)]


def _columns(first: str, second: str) -> list[Column]:
    return [Column(first, left=True), Column(second or "operators", left=True), *map(Column, FIGURES)]


def _groups(found: Analysis, key: Callable[[LayerCost], str]) -> list[list[str]]:
    """Return a row for each group of layers, those with the most operations, then with the most bytes, first."""
    groups: dict[str, list[LayerCost]] = {}
    for layer in found.layers:
        groups.setdefault(key(layer), []).append(layer)
    ordered = sorted(groups.items(), key=lambda group: _weight(group[1]), reverse=True)
    return [[clean(name), _types(layers, name), *_figures(found, layers)] for name, layers in ordered]


def _weight(layers: Sequence[LayerCost]) -> tuple[int, int]:
    """Return what groups are ordered by."""
    return _flop(layers), sum(layer.bytes_moved or 0 for layer in layers)


def _types(layers: Sequence[LayerCost], name: str) -> str:
    """Return the types of operators in a group with their numbers; of a group that is a type, the number."""
    counts = Counter(layer.type for layer in layers).most_common()
    if [kind for kind, _ in counts] == [name]:
        return str(len(layers))
    more = [f"{len(counts) - LISTED} more"] if len(counts) > LISTED else []
    return clean(", ".join([*(f"{count} {kind}" for kind, count in counts[:LISTED]), *more]))


def _layer(found: Analysis, layer: LayerCost) -> list[str]:
    return [clean(layer.name), clean(f"{layer.type} {_shape(layer.shape)}".rstrip()), *_figures(found, [layer])]


def _figures(found: Analysis, layers: Sequence[LayerCost]) -> list[str]:
    """Return the cells of some layers; those without a known rule have no operations."""
    flop, moved = _flop(layers), _sum(layer.bytes_moved for layer in layers)
    unknown = all(layer.flop is None for layer in layers)
    return [
        ABSENT if unknown else digits(flop / GIGA),
        ABSENT if unknown or not found.flop else f"{100 * flop / found.flop:.1f} %",
        digits(sum(layer.params for layer in layers) / MEGA),
        digits(sum(layer.weight_bytes for layer in layers) / MEGA),
        _megabytes(moved),
        ABSENT if unknown or not moved else digits(flop / moved),
    ]


def _flop(layers: Iterable[LayerCost]) -> int:
    return sum(layer.flop or 0 for layer in layers)


def _sum(sizes: Iterable[int | None]) -> int | None:
    known = list(sizes)
    return None if None in known else sum(filter(None, known))


def _notes(found: Analysis) -> list[str]:
    """Return what was not counted, and what the analyzer says."""
    unknown = [f"{amount(count, 'operator')} {kind}" for kind, count in found.uncounted.items()]
    listed = ", ".join(unknown[:LISTED]) + (f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else "")
    uncounted = [f"not counted, as their rule or a size that it needs is not known: {listed}"] if unknown else []
    return [clean(note) for note in (*uncounted, *found.notes)]


def _grid(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, paint: Paint) -> list[str]:
    parts = blocks(columns, rows, width)
    return [line for header, *others in parts for line in (paint(header, "dim"), *others)]


def _megabytes(size: int | None) -> str:
    return ABSENT if size is None else digits(size / MEGA)


def _one_decimal(value: float) -> str:
    """Return a figure as the published tables have it; what would be 0.0 there with three significant digits."""
    return f"{value:.1f}" if value >= FIRST or not value else digits(value)


def _shape(shape: Sequence[int | str | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
