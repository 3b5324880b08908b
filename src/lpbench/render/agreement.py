"""Agreement of engines as text: a row for each engine, why one fails, where it diverges, and what could not run."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lpbench.render import Column, _html, blocks, digits, unstyled
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.agreement import Agreed, ArraySummary, Divergence, EngineAgreement
    from lpbench.jobs.parity import Deviation
    from lpbench.render._table import Paint

PASS, FAIL, NONE = "pass", "FAIL", "not compared"
STYLES = {PASS: "good", FAIL: "bad", NONE: "warn"}
WIDE = 1000
"""Longest line of HTML in characters: a notebook wraps lines itself."""
FIGURES = tuple(map(Column, ("max abs", "mean abs", "max rel", "mean rel", "cosine")))


def screen(agreed: Agreed, *, width: int, paint: Paint, verbose: bool) -> list[str]:
    """Return the lines of a comparison.

    :param verbose: Add a row for each array, including the raw outputs of the models.
    """
    ran = [engine for engine in agreed.engines if engine.ran]
    lines = [paint(shorten(_heading(agreed), width), "dim")]
    if ran:
        lines += _rows(ran, width, paint)
    if verbose and ran:
        lines += ["", *_arrays(ran, width, paint)]
    for engine in ran:
        lines += _failure(agreed, engine, width, paint)
    lines += _not_run([engine for engine in agreed.engines if not engine.ran], width, paint)
    notes = [*agreed.notes, *(f"{problem['sample']} was left out: {problem['error']}" for problem in agreed.problems)]
    return [*lines, *(paint(line, "warn") for note in notes for line in _wrapped(note, width, ""))]


def _heading(agreed: Agreed) -> str:
    options = ":".join([agreed.reference, *(f"{key}={value}" for key, value in agreed.reference_options.items())])
    version = agreed.reference_facts.get("version", "")
    return clean(f"{agreed.app} · reference {options} {version} · tolerance {agreed.tolerance.absolute:g}")


def html(agreed: Agreed) -> list[str]:
    """Return the parts of a comparison in HTML."""
    ran = [engine for engine in agreed.engines if engine.ran]
    lines = [line for engine in ran for line in _failure(agreed, engine, WIDE, unstyled)]
    lines += _not_run([engine for engine in agreed.engines if not engine.ran], WIDE, unstyled)
    notes = [*agreed.notes, *(f"{problem['sample']} was left out: {problem['error']}" for problem in agreed.problems)]
    tables = [_html.grid(_columns(ran), list(map(_row, ran)), STYLES)] if ran else []
    return [_html.paragraph(_heading(agreed)), *tables, *map(_html.paragraph, [*lines, *notes])]


def _columns(ran: Sequence[EngineAgreement]) -> list[Column]:
    return [
        Column("engine", left=True),
        Column("version", left=True),
        Column("samples"),
        *FIGURES,
        Column("top-1" if any(engine.top[0] for engine in ran) else ""),
        Column("boxes" if any(map(_matched, ran)) else ""),
        Column("IoU" if any(map(_matched, ran)) else ""),
        Column("", left=True),
    ]


def _rows(ran: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    parts = blocks(_columns(ran), list(map(_row, ran)), width)
    lines = [[paint(header, "dim"), *rows] for header, *rows in parts]
    judged = [_painted(line, engine, paint) for line, engine in zip(lines[-1][1:], ran, strict=True)]
    return [line for block in (*lines[:-1], [lines[-1][0], *judged]) for line in block]


def _row(engine: EngineAgreement) -> list[str]:
    same = f"{engine.top[1]}/{engine.top[0]}" if engine.top[0] else ""
    boxes, overlap = _matched(engine), digits(engine.boxes.mean_overlap) if engine.boxes and engine.boxes.of else ""
    facts = [clean(engine.engine), clean(engine.facts.get("version", "")), str(engine.samples)]
    return [*facts, *_figures(engine.deviation), same, boxes, overlap, _verdict(engine)]


def _matched(engine: EngineAgreement) -> str:
    return f"{engine.boxes.matched}/{engine.boxes.of}" if engine.boxes and engine.boxes.of else ""


def _figures(deviation: Deviation | None) -> list[str]:
    if deviation is None:
        return ["-"] * len(FIGURES)
    errors = deviation.max_absolute, deviation.mean_absolute, deviation.max_relative, deviation.mean_relative
    return [*map(digits, errors), f"{deviation.cosine:.6f}"]


def _verdict(engine: EngineAgreement) -> str:
    return PASS if engine.agrees else FAIL if engine.compared else NONE


def _painted(line: str, engine: EngineAgreement, paint: Paint) -> str:
    word = _verdict(engine)
    return f"{line.removesuffix(word)}{paint(word, STYLES[word])}"


def _arrays(ran: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    """Return a row for each array: first the values that are judged, then the raw outputs."""
    columns = [Column("engine", left=True), Column("array", left=True), *FIGURES, Column("worst sample", left=True)]
    rows = [
        [clean(engine.engine), clean(f"{kind} {_name(array)}"), *_figures(array.deviation), clean(array.worst)]
        for engine in ran
        for kind, arrays in (("values", engine.values), ("output", engine.outputs))
        for array in arrays
    ]
    return [line for header, *lines in blocks(columns, rows, width) for line in (paint(header, "dim"), *lines)]


def _name(array: ArraySummary) -> str:
    return f"{array.component}/{array.name}"


def _failure(agreed: Agreed, engine: EngineAgreement, width: int, paint: Paint) -> list[str]:
    if engine.agrees:
        return []
    reason, style = engine.reason or engine.not_compared, STYLES[_verdict(engine)]
    lines = [f"{paint(clean(engine.engine), style)}", *_wrapped(clean(reason), width, "  ")]
    if engine.divergence is None:
        return lines
    chain = len({array.component for array in engine.values}) > 1
    where = f"{engine.divergence.sample}, {engine.divergence.component}" if chain else engine.divergence.sample
    texts = divergence(agreed, engine.divergence, where)
    return [*lines, *(line for text in texts for line in _wrapped(clean(text), width, "  "))]


def divergence(agreed: Agreed, at: Divergence, where: str) -> list[str]:
    """Return where an engine diverges from the reference, or why that is not known.

    :param where: The sample, and in a chain the component, for the text.
    """
    if not at.tensor:
        return [f"the first tensor that differs is not known: {at.reason}"]
    shape = "x".join(map(str, at.shape)) or "scalar"
    makers = f"{at.makers[0] or 'an unknown operator'} in {agreed.reference}, {at.makers[1] or 'unknown'} in the other"
    before = f'after "{at.last}", the last that agrees' if at.last else "the first of all"
    return [
        f'it diverges from {agreed.reference} at tensor "{at.tensor}" ({shape}), {before}, in {where}',
        f"{at.problem}; computed by {makers}",
    ]


def _not_run(engines: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    """Return one entry for each engine that could not run."""
    if not engines:
        return []
    names = [clean(engine.engine) for engine in engines]
    widest = max(map(len, names))
    lines = [
        line
        for name, engine in zip(names, engines, strict=True)
        for line in _wrapped(f"{name:{widest}}  {' '.join(map(clean, engine.state.split()))}", width, "  ")
    ]
    return [paint("could not run", "dim"), *lines]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=f"{indent}  ")
