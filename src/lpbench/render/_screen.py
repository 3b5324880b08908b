"""The text of a whole result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render import _context
from lpbench.render._breakdown import parts
from lpbench.render._details import details
from lpbench.render._heat import heat_lines, heat_ranking
from lpbench.render._loading import load_lines
from lpbench.render._profile import layer_lines
from lpbench.render._resources import resource_lines
from lpbench.render._stage_table import stage_table
from lpbench.render._summary import summary
from lpbench.render._table import hanging, wrapped
from lpbench.results.model import INTERRUPTED
from lpbench.results.names import names_of
from lpbench.util.text import shorten

if TYPE_CHECKING:
    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration, Result

INTERRUPTION = "interrupted: the figures cover what was measured until then"


def screen(result: Result, *, width: int, verbose: bool, paint: Paint) -> list[str]:
    """Return the lines of a result; see ``lpbench.render.text``."""
    measured = [configuration for configuration in result.configurations if configuration.measured]
    head = [paint(line, "dim") for line in _context.header(result, width)]
    if len(result.configurations) == 1 and measured:
        lines = _single(measured[0], result, head, width=width, paint=paint)
    else:
        lines = [*head, "", *summary(result, width=width, paint=paint)]
    lines += [paint(each, "dim") for line in load_lines(result) for each in wrapped(line, width)]
    for name, configuration in zip(names_of(result.configurations), result.configurations, strict=True):
        for more in (
            parts(configuration, width=width, paint=paint),
            layer_lines(configuration, width=width, verbose=verbose, paint=paint),
            resource_lines(configuration, width=width, verbose=verbose, paint=paint),
            heat_lines(configuration, width=width, verbose=verbose, paint=paint),
        ):
            if more:
                lines += ["", *([paint(name, "bold")] if len(result.configurations) > 1 else []), *more]
    if ranking := heat_ranking(result):
        lines += ["", *(line for each in ranking for line in wrapped(each, width))]
    interrupted = [INTERRUPTION] if result.state == INTERRUPTED else []
    for reason in (*interrupted, *_context.missing(result)):
        lines += [paint(line, "warn") for line in wrapped(reason, width)]
    return [*lines, *details(result, width=width, paint=paint)] if verbose else lines


def _single(configuration: Configuration, result: Result, head: list[str], *, width: int, paint: Paint) -> list[str]:
    """Return the lines of one engine: the answer, what it refers to, the table of stages."""
    answer, engine = _context.answer(configuration, result), shorten(_context.engine(configuration, result), width)
    stages = stage_table(configuration, width=width, paint=paint)
    return [*(paint(line, "bold") for line in hanging(answer, width, 0)), *head, paint(engine, "dim"), "", *stages]
