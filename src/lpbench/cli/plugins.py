"""``lpbench plugins``: the installed plugins, what they offer, and what failed to load."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.jobs.listing import converter_options, plugins
from lpbench.plugin.trials import forget_refusals
from lpbench.render import Column, fit, hanging, narrow
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from lpbench.jobs.listing import ListedPlugin
    from lpbench.render._table import Paint


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "List the plugins, their distributions, what each offers and what failed to load."
    parser.epilog = "examples:\n  lpbench plugins -v\n  LPBENCH_DISABLED_PLUGINS=acme lpbench plugins --json"
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show the names of what is offered, the options of converters, and tracebacks",
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def main(options: argparse.Namespace) -> int:
    """List the plugins; those that were refused are tried again."""
    forget_refusals()
    listed = list(plugins().values())
    if options.json:
        _console.answer_json([dataclasses.asdict(each) for each in listed])
        return _console.DONE
    paint = _console.painter(_console.answers())
    _console.answer(*(_verbose(listed, paint) if options.verbose else _screen(listed, paint)))
    return _console.DONE


def _screen(listed: Sequence[ListedPlugin], paint: Paint) -> list[str]:
    columns = [Column(title, left=True) for title in ("plugin", "distribution", "offers")]
    rows = [[clean(plugin.name), clean(plugin.distribution or "lpbench"), _counts(plugin)] for plugin in listed]
    width = _console.listing_width(_console.answers())
    whole = fit(columns, rows, width)
    header, *lines = whole or narrow(columns[:-1], [row[:-1] for row in rows], width)
    offers = [] if whole else [line for row in rows for line in hanging(f"{row[0]}: {row[-1]}", width)]
    return [paint(header, "dim"), *lines, *offers, *_failures(listed, paint)]


def _counts(plugin: ListedPlugin) -> str:
    if not plugin.offers:
        return "nothing: it failed to load" if plugin.failures else "nothing"
    return ", ".join(amount(len(names), kind) for kind, names in plugin.offers.items())


def _failures(listed: Sequence[ListedPlugin], paint: Paint) -> list[str]:
    texts = [f"{clean(plugin.name)}  {clean(failure)}" for plugin in listed for failure in plugin.failures]
    lines = [line for text in texts for line in hanging(text, _console.listing_width(_console.answers()))]
    hints = ("tracebacks: lpbench plugins -v", "to leave one out: LPBENCH_DISABLED_PLUGINS=NAME")
    return [paint("failed", "bad"), *lines, *(paint(hint, "dim") for hint in hints)] if lines else []


def _verbose(listed: Sequence[ListedPlugin], paint: Paint) -> list[str]:
    lines = []
    for plugin in listed:
        lines.append(paint(f"{clean(plugin.name)}  {clean(plugin.distribution or 'lpbench')}", "bold"))
        offers = [f"{kind}: {', '.join(map(clean, names))}" for kind, names in plugin.offers.items()]
        offers += [f"options of {name}: {clean(words)}" for name, words in converter_options(plugin.name).items()]
        lines += [line for offer in offers for line in hanging(offer, _console.listing_width(_console.answers()))]
        for trace in plugin.traces:
            lines += [paint("  failed", "bad"), *(f"    {clean(line)}" for line in trace.rstrip().splitlines())]
    return lines
