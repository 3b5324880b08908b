"""What came of storing an app's models in a shorter precision: a row for each model, and why others were not made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.errors import either
from lpbench.render import Column, _html, blocks, digits
from lpbench.util.text import amount, clean, shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpbench.jobs.quantizing import Quantized, QuantizedModel
    from lpbench.render._table import Paint

MB = 1e6
FAILS = "misses its gate"
FEW = 20
"""Samples below which equal answers are an anecdote."""
COLUMNS = [
    Column("format", left=True),
    Column("variant", left=True),
    Column("converter", left=True),
    Column("MB"),
    Column("before"),
    Column("largest error"),
    Column("cosine"),
    Column("same answers"),
    Column("quality", left=True, whole=True),
    Column("", left=True),
]


def screen(quantized: Quantized, *, width: int, paint: Paint) -> list[str]:
    """Return the lines of what was made and what was not."""
    made = [model for model in quantized.models if model.made]
    lines = [paint(shorten(_heading(quantized, made), width), "dim")]
    if made:
        for header, *rows in blocks(COLUMNS, _rows(made), width):
            lines += [paint(header, "dim"), *(line.replace(FAILS, paint(FAILS, "bad")) for line in rows)]
    for model in quantized.models:
        if not model.made:
            lines += [f"{paint(clean(model.format), 'warn')}  {clean(model.reason)}", *_hint(model)]
    return [*lines, *(paint(clean(line), "warn") for line in dict.fromkeys(_notes(quantized, made)))]


def _heading(quantized: Quantized, made: list[QuantizedModel]) -> str:
    counts = {(model.calibration, model.synthetic) for model in made if model.calibration}
    calibrated = [f"calibrated on {amount(count, 'synthetic input' if new else 'sample')}" for count, new in counts]
    compared = [f"answers compared on {amount(quantized.samples, 'sample')}"] if quantized.samples else []
    return clean(" · ".join([quantized.app, quantized.precision, *calibrated, *compared]))


def _rows(made: Sequence[QuantizedModel]) -> list[list[str]]:
    """Return a row for each model; where they belong to several components, it names its own."""
    several = len({model.component for model in made}) > 1
    return [[_place(model, several=several), *_cells(model)] for model in made]


def _place(model: QuantizedModel, *, several: bool) -> str:
    return clean(f"{model.format} · {model.component}" if several else model.format)


def _cells(model: QuantizedModel) -> list[str]:
    boxes = f"{model.same_boxes}/{model.boxes} boxes" if model.boxes else ""
    return [
        clean(model.variant),
        clean(model.converter.partition(" ")[0]),  # without its version, which JSON has
        digits(model.after_bytes / MB),
        digits(model.before_bytes / MB),
        "" if model.max_absolute is None else digits(model.max_absolute),
        "" if model.cosine is None else f"{model.cosine:.5f}",
        f"{model.same}/{model.of}" if model.of else boxes,
        _quality(model),
        FAILS if model.fails else "",
    ]


def _quality(model: QuantizedModel) -> str:
    if isinstance(model.quality, Unavailable):
        return ""
    found = model.quality
    values = ("-" if value is None else digits(value) for value in (found.before, found.after))
    return " ".join(filter(None, (found.metric, " → ".join(values), found.unit)))


def _hint(model: QuantizedModel) -> list[str]:
    return [f"  {clean(line.strip())}" for line in model.hint.splitlines()]


def _notes(quantized: Quantized, made: list[QuantizedModel]) -> Iterator[str]:
    for model in made:
        if model.unanswered:
            yield f"{model.format}: its answers were not compared: {model.unanswered}"
        elif isinstance(model.quality, Unavailable):
            yield f"quality is not known: {model.quality.reason}"
        elif model.fails:
            yield f"{model.format}: a run with quality marks {model.variant}, and it wins no ranking"
    if made and 0 < quantized.samples < FEW:
        verb, more = "says" if quantized.samples == 1 else "say", either("--data DIR", "data=DIR")
        yield f"{amount(quantized.samples, 'sample')} {verb} little about other inputs: {more} brings more"


def html(quantized: Quantized) -> list[str]:
    """Return the same in the parts of HTML."""
    made = [model for model in quantized.models if model.made]
    grid = [_html.grid(COLUMNS, _rows(made), {FAILS: "bad"})] if made else []
    others = [f"{model.format}: {model.reason}" for model in quantized.models if not model.made]
    notes = dict.fromkeys(_notes(quantized, made))
    return [_html.paragraph(_heading(quantized, made)), *grid, *map(_html.paragraph, [*others, *notes])]
