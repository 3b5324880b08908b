"""``lpbench doctor``: what makes this machine noisy, what it costs, and how to fix it."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.cli._steps import Beating
from lpbench.render import hanging, sheet_lines
from lpbench.util.jsonable import to_jsonable
from lpbench.util.text import amount, clean, shorten
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.machine import Finding
    from lpbench.machine.roofline import Roof
    from lpbench.render._table import Paint

    Facts = Mapping[str, Mapping[str, Any]]

GIB = 1 << 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Report what would make measurements on this machine noisy, what each cause costs and the command that fixes "
        "it. It runs in worker processes and changes nothing of the machine."
    )
    parser.epilog = "examples:\n  lpbench doctor --threads 1\n  lpbench doctor --affinity 2-3 --fail --json"
    parser.add_argument("--affinity", type=_options.cores, default=(), metavar="0,2-3", help="cores to measure on")
    parser.add_argument("--threads", type=_options.from_one, metavar="N", help="threads that the engine will use")
    parser.add_argument("--fail", action="store_true", help="exit with status 1 if there are findings")
    parser.add_argument(
        "--roofline", action="store_true", help="measure the most that cores compute and memory moves, once; it is kept"
    )
    parser.add_argument("--refresh", action="store_true", help="measure the roof again")
    parser.add_argument("--json", action="store_true", help="print findings, environment and roof as JSON")


def main(options: argparse.Namespace) -> int:
    """Examine the machine and print the findings."""
    from lpbench.jobs.doctor import doctor

    with Beating("examining the machine") as beating:
        environment, findings = doctor(affinity=options.affinity, threads=options.threads)
        roof = _roof(options, environment, beating)
    if options.json:
        document = {"findings": [*map(dataclasses.asdict, findings)], "environment": environment}
        shown = to_jsonable(roof) if isinstance(roof, Unavailable) else roof.to_dict()
        _console.answer_json({**document, "roof": shown})
    else:
        paint, width = _console.painter(_console.answers()), _console.width(_console.answers())
        _console.answer(*_findings(findings, width, paint), "", *_facts(environment, width, paint))
        _console.answer(*_roof_lines(roof, width, paint))
    return _console.FAILED if options.fail and findings else _console.DONE


def _roof(options: argparse.Namespace, environment: Mapping[str, Any], beating: Beating) -> Roof | Unavailable:
    """Return the machine's roof: measured where that was asked for, else as it is kept."""
    from lpbench.jobs.roofline import kept_roof, roofline

    if not (options.roofline or options.refresh):
        return kept_roof(environment)
    threads = [options.threads] if options.threads else []
    return roofline(threads=threads, refresh=options.refresh, progress=lambda what: beating.tell("roof", what))


def _roof_lines(roof: Roof | Unavailable, width: int, paint: Paint) -> Iterator[str]:
    """Yield the roof as a table with its notes; where there is none, why."""
    if isinstance(roof, Unavailable):
        yield shorten(f"  {'roof':14}  {roof.reason}: {roof.hint}", width)
        return
    yield from ("", paint("the roof of this machine", "bold"), *sheet_lines(roof.sheet(), width, paint))


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
