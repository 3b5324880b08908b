"""How engines agree, as people read it: a row for each, then why one fails, where it parts, and what could not run."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lpbench.render import Column, digits, fit, table
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.jobs.agreement import Agreed, ArraySummary, Divergence, EngineAgreement
    from lpbench.jobs.parity import Deviation
    from lpbench.render._table import Paint

FIGURES = tuple(map(Column, ("max abs", "mean abs", "max rel", "mean rel", "cosine")))


def screen(found: Agreed, *, width: int, paint: Paint, verbose: bool) -> list[str]:
    """Return the lines of a comparison.

    :param verbose: Each array too, the models' outputs as they are among them.
    """
    ran = [each for each in found.engines if each.ran]
    lines = [paint(shorten(_heading(found), width), "dim")]
    if ran:
        lines += _rows(ran, width, paint)
    if verbose and ran:
        lines += ["", *_arrays(ran, width, paint)]
    for each in ran:
        lines += _failure(found, each, width, paint)
    lines += _others([each for each in found.engines if not each.ran], width, paint)
    notes = [*found.notes, *(f"{each['sample']} was left out: {each['error']}" for each in found.problems)]
    return [*lines, *(paint(line, "warn") for note in notes for line in _wrapped(note, width, ""))]


def _heading(found: Agreed) -> str:
    options = ":".join([found.reference, *(f"{key}={value}" for key, value in found.reference_options.items())])
    version = found.reference_facts.get("version", "")
    return clean(f"{found.app} · reference {options} {version} · tolerated {found.tolerance.absolute:g}")


def _rows(ran: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    columns = [
        Column("engine", left=True),
        Column("version", left=True),
        Column("samples"),
        *FIGURES,
        Column("top-1" if any(each.top[0] for each in ran) else ""),
        Column("boxes" if any(map(_share, ran)) else ""),
        Column("IoU" if any(map(_share, ran)) else ""),
        Column("", left=True),
    ]
    header, *lines = _fitted(columns, [_row(each) for each in ran], width)
    return [paint(header, "dim"), *(_verdict(line, each, paint) for line, each in zip(lines, ran, strict=True))]


def _row(each: EngineAgreement) -> list[str]:
    same = f"{each.top[1]}/{each.top[0]}" if each.top[0] else ""
    boxes, overlap = _share(each), digits(each.boxes.mean_overlap) if each.boxes and each.boxes.of else ""
    facts = [clean(each.engine), clean(each.facts.get("version", "")), str(each.samples)]
    return [*facts, *_figures(each.deviation), same, boxes, overlap, "pass" if each.agrees else "FAIL"]


def _share(each: EngineAgreement) -> str:
    return f"{each.boxes.matched}/{each.boxes.of}" if each.boxes and each.boxes.of else ""


def _figures(found: Deviation | None) -> list[str]:
    if found is None:
        return ["-"] * len(FIGURES)
    errors = found.max_absolute, found.mean_absolute, found.max_relative, found.mean_relative
    return [*(digits(each) for each in errors), f"{found.cosine:.6f}"]


def _verdict(line: str, each: EngineAgreement, paint: Paint) -> str:
    word, style = ("pass", "good") if each.agrees else ("FAIL", "bad")
    return f"{line.removesuffix(word)}{paint(word, style)}"


def _arrays(ran: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    """Return a row for each array: what is judged, then the outputs as they are."""
    columns = [Column("engine", left=True), Column("array", left=True), *FIGURES, Column("worst sample", left=True)]
    rows = [
        [clean(each.engine), clean(f"{kind} {_name(one)}"), *_figures(one.deviation), clean(one.worst)]
        for each in ran
        for kind, arrays in (("values", each.values), ("output", each.outputs))
        for one in arrays
    ]
    header, *lines = _fitted(columns, rows, width)
    return [paint(header, "dim"), *lines]


def _name(one: ArraySummary) -> str:
    return f"{one.component}/{one.name}"


def _failure(found: Agreed, each: EngineAgreement, width: int, paint: Paint) -> list[str]:
    if each.agrees:
        return []
    reason = each.reason or "no sample could be compared"
    lines = [f"{paint(clean(each.engine), 'bad')}", *_wrapped(clean(reason), width, "  ")]
    if each.divergence is None:
        return lines
    chain = len({one.component for one in each.values}) > 1
    where = f"{each.divergence.sample}, {each.divergence.component}" if chain else each.divergence.sample
    told = divergence(found, each.divergence, where)
    return [*lines, *(line for text in told for line in _wrapped(clean(text), width, "  "))]


def divergence(found: Agreed, at: Divergence, where: str) -> list[str]:
    """Return where two engines part, or why that is not known."""
    if not at.tensor:
        return [f"no first tensor can be told: {at.reason}"]
    shape = "x".join(map(str, at.shape)) or "scalar"
    makers = f"{at.makers[0] or 'an unknown operator'} in {found.reference}, {at.makers[1] or 'unknown'} in the other"
    before = f'after "{at.last}", the last that agrees' if at.last else "the first of all"
    return [
        f'it parts from {found.reference} at tensor "{at.tensor}" ({shape}), {before}, in {where}',
        f"{at.problem}; made by {makers}",
    ]


def _others(those: Sequence[EngineAgreement], width: int, paint: Paint) -> list[str]:
    """Return one entry for each engine that could not run."""
    if not those:
        return []
    widest = max(len(clean(each.engine)) for each in those)
    lines = [
        line
        for each in those
        for line in _wrapped(f"{clean(each.engine):{widest}}  {' '.join(map(clean, each.state.split()))}", width, "  ")
    ]
    return [paint("could not run", "dim"), *lines]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    return fit(columns, rows, width) or table(columns, rows, gap=1)
