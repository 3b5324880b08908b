"""``lpbench doctor``: what makes this machine noisy, what it costs, and what mends it."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options

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
        "Say what would make measurements on this machine noisy, what each costs and the command that mends it. "
        "Looks from a worker process, and changes nothing."
    )
    parser.epilog = "examples:\n  lpbench doctor --threads 1\n  lpbench doctor --affinity 2-3 --fail --json"
    parser.add_argument("--affinity", type=_options.cores, default=(), metavar="0,2-3", help="cores to be measured on")
    parser.add_argument("--threads", type=_options.from_one, metavar="N", help="threads that the engine will have")
    parser.add_argument("--fail", action="store_true", help="exit 1 where something was found")
    parser.add_argument("--json", action="store_true", help="print findings and environment as JSON")


def main(options: argparse.Namespace) -> int:
    """Look, and print what was found."""
    from lpbench.jobs.doctor import doctor

    environment, findings = doctor(affinity=options.affinity, threads=options.threads)
    if options.json:
        _console.answer_json({"findings": [*map(dataclasses.asdict, findings)], "environment": environment})
    else:
        paint, width = _console.painter(sys.stdout), _console.width(sys.stdout)
        print("\n".join([*_findings(findings, width, paint), "", *_facts(environment, width, paint)]))
    return _console.FAILED if options.fail and findings else _console.DONE


def _findings(findings: Sequence[Finding], width: int, paint: Paint) -> Iterator[str]:
    """Yield what was found, three lines each, the worst first."""
    if not findings:
        yield paint("nothing was found that would make this machine noisy", "good")
        return
    yield paint(f"{len(findings)} finding{'s' if len(findings) > 1 else ''}, the worst first", "bold")
    for each in findings:
        yield ""
        yield f"{paint(each.name, 'warn')}: {each.what}"
        yield from _wrapped("costs  ", each.cost, width)
        yield from _wrapped("mend   ", each.remedy, width)


def _wrapped(label: str, text: str, width: int) -> list[str]:
    """Return a text in lines that fit; a word stays whole, so that a command can be copied."""
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
    """Yield the facts that matter; one that is not known with the reason."""
    from lpbench.util.text import clean, shorten

    facts = {key: value for part in ("machine", "subject", "state") for key, value in environment[part].items()}
    yield paint("this machine", "bold")
    for name, text in _rows(facts):
        yield shorten(f"  {name:14}  {clean(text)}", width)


def _rows(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield names and words of the facts."""
    yield "platform", _said(facts, "platform")
    yield "processor", _said(facts, "cpu_model")
    used = facts["affinity"].get("value")
    yield "cores", _said(facts, "cores") + (f", measured on {', '.join(map(str, used))}" if used else "")
    yield "governor", _said(facts, "governor")
    yield "virtualisation", _said(facts, "virtualisation")
    free = facts["memory_available_bytes"].get("value")
    yield "memory", f"{_said(facts, 'memory_gib')} GiB" + (f", {free / GIB:.3g} free" if free else "")


def _said(facts: Facts, key: str) -> str:
    """Return a fact in words, or why it is not known."""
    known = facts[key].get("value")
    if known is None:
        return f"not known: {facts[key]['reason']}"
    return f"{known:.3g}" if isinstance(known, float) else str(known)
