"""``lpbench doctor``: what makes this machine noisy, what it costs, and how to fix it."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.render import hanging
from lpbench.util.text import amount

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.machine import Finding
    from lpbench.render._table import Paint

    Facts = Mapping[str, Mapping[str, Any]]

GIB = 1 << 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Report what would make measurements on this machine noisy, what each cause costs and the command that fixes "
        "it. It runs in a worker process and changes nothing."
    )
    parser.epilog = "examples:\n  lpbench doctor --threads 1\n  lpbench doctor --affinity 2-3 --fail --json"
    parser.add_argument("--affinity", type=_options.cores, default=(), metavar="0,2-3", help="cores to measure on")
    parser.add_argument("--threads", type=_options.from_one, metavar="N", help="threads that the engine will use")
    parser.add_argument("--fail", action="store_true", help="exit with status 1 if there are findings")
    parser.add_argument("--json", action="store_true", help="print findings and environment as JSON")


def main(options: argparse.Namespace) -> int:
    """Examine the machine and print the findings."""
    from lpbench.jobs.doctor import doctor

    with Beating("examining the machine"):
        environment, findings = doctor(affinity=options.affinity, threads=options.threads)
    if options.json:
        _console.answer_json({"findings": [*map(dataclasses.asdict, findings)], "environment": environment})
    else:
        paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
        _console.answer(*_findings(findings, width, paint), "", *_facts(environment, width, paint))
    return _console.FAILED if options.fail and findings else _console.DONE


def _findings(findings: Sequence[Finding], width: int, paint: Paint) -> Iterator[str]:
    """Yield the findings, three lines each, the worst first."""
    if not findings:
        yield paint("no source of noise was found on this machine", "good")
        return
    yield paint(f"{amount(len(findings), 'finding')}, the worst first", "bold")
    for finding in findings:
        yield ""
        first, *rest = hanging(f"{finding.name}: {finding.what}", width, 0)
        yield from (first.replace(finding.name, paint(finding.name, "warn"), 1), *rest)
        yield from _wrapped("cost  ", finding.cost, width)
        yield from _wrapped("fix   ", finding.remedy, width)


def _wrapped(label: str, text: str, width: int) -> list[str]:
    """Return a text wrapped to ``width``; words are not split, so that commands can be copied."""
    indent = " " * (len(label) + 2)
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"  {label}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _facts(environment: Mapping[str, Any], width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines of the important facts; for an unknown fact, the reason."""
    from lpbench.util.text import clean, shorten

    facts = {key: value for part in ("machine", "subject", "state") for key, value in environment[part].items()}
    yield paint("this machine", "bold")
    for name, text in _rows(facts):
        yield shorten(f"  {name:14}  {clean(text)}", width)


def _rows(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the facts."""
    yield "platform", _text(facts, "platform")
    yield "processor", _text(facts, "cpu_model")
    used = facts["affinity"].get("value")
    yield "cores", _text(facts, "cores") + (f", measured on {', '.join(map(str, used))}" if used else "")
    yield "governor", _text(facts, "governor")
    yield "virtualisation", _text(facts, "virtualisation")
    free = facts["memory_available_bytes"].get("value")
    yield "memory", _text(facts, "memory_gib", " GiB") + (f", {free / GIB:.3g} free" if free else "")


def _text(facts: Facts, key: str, unit: str = "") -> str:
    """Return a fact as text with its unit, or why it is not known."""
    value = facts[key].get("value")
    if value is None:
        return f"not known: {facts[key]['reason']}"
    return f"{value:.3g}{unit}" if isinstance(value, float) else f"{value}{unit}"
