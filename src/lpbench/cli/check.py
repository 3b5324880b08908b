"""``lpbench check``: whether an engine keeps the contract, on this machine."""

from __future__ import annotations

import dataclasses
import sys
import time
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lpbench.cli import _console, _options
from lpbench.errors import LpbenchError
from lpbench.render import Column, seconds, table
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from lpbench.plugin.specs import EngineSpec
    from lpbench.render._table import Paint
    from lpbench.testing import CheckResult, EngineCase

EPILOG = """\
examples:
  lpbench check onnxruntime
  lpbench check onnxruntime --model model.onnx --shape input=1,3,224,224 --threads 2 -v
"""
STATUSES = ("passed", "failed", "not applicable", "expected failure")
STYLES = {"passed": "good", "failed": "bad", "passed against expectation": "bad", "not ready": "bad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Run the conformance kit on an engine, each check in a process of its own: does it keep the contract that "
        "measurements rest on? Exit status 0 if it does, else 1."
    )
    parser.epilog = EPILOG
    parser.add_argument("engine", nargs="?", metavar="ENGINE", help="the engine; lpbench engines lists them")
    parser.add_argument("--list", action="store_true", help="list the checks and leave")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="every check, with what it says, and tracebacks")
    group = parser.add_argument_group("engine")
    group.add_argument("--device", metavar="D", help="cpu, cuda:0, …: what the engine calls it")
    group.add_argument("--threads", type=_options.from_zero, metavar="N", help="threads of the engine")
    group.add_argument(
        "--set", type=_options.pair, action="append", default=[], metavar="KEY=VALUE", help="any other option of it"
    )
    group = parser.add_argument_group("model; by default the one that the plugin brings")
    group.add_argument("--model", metavar="FILE", help="check with this model")
    group.add_argument("--extra", action="append", default=[], metavar="FILE", help="a further file of the model")
    group.add_argument(
        "--input", action="append", default=[], metavar="FILE", help=".npy or .npz; twice for two inputs"
    )
    group.add_argument(
        "--shape", type=_options.shape, action="append", default=[], metavar="NAME=1,3,…", help="fix open dimensions"
    )


def main(options: argparse.Namespace) -> int:
    """Run the checks and print what was found."""
    if options.list:
        print("\n".join(_catalogue()))
        return _console.DONE
    if not options.engine:
        raise LpbenchError("which engine?", hint="lpbench engines lists them")
    from lpbench.plugin import registry

    spec = registry.current().get(registry.ENGINES, options.engine).spec
    found = _run(spec, options)
    if options.json:
        _console.answer_json(_document(spec, found))
    else:
        print("\n".join(_screen(spec, found, verbose=options.verbose)))
    return _console.DONE if _fine(found) else _console.FAILED


def _run(spec: EngineSpec, options: argparse.Namespace) -> list[CheckResult]:
    from lpbench.testing import check_engine, checks

    progress = _Progress(sys.stderr, len(checks()["engine"]))
    try:
        return check_engine(spec.name, _case(spec, options), options=_asked(spec, options), progress=progress)
    finally:
        progress.close()


def _case(spec: EngineSpec, options: argparse.Namespace) -> EngineCase | None:
    if not options.model:
        _refuse_without_model(options)
        return None
    from lpbench.testing import model_case

    return model_case(spec.name, options.model, extra=options.extra, inputs=options.input, shapes=dict(options.shape))


def _refuse_without_model(options: argparse.Namespace) -> None:
    for name in ("extra", "input", "shape"):
        if getattr(options, name):
            raise LpbenchError(f"--{name} belongs to a model", hint="name it with --model FILE")


def _asked(spec: EngineSpec, options: argparse.Namespace) -> dict[str, Any]:
    """Return the engine's options with the types that its config wants."""
    from lpbench.plugin import specs
    from lpbench.util import dataclass_config

    texts = dict(options.set)
    found: dict[str, Any] = (
        dataclass_config.parse(specs.load(spec.config, who=spec.name), texts) if spec.config else texts
    )
    named = {"device": options.device, "threads": options.threads}
    return {**found, **{name: value for name, value in named.items() if value is not None}}


def _fine(found: Sequence[CheckResult]) -> bool:
    return all(each.ok and each.status != "not ready" for each in found)


def _document(spec: EngineSpec, found: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "engine": spec.name,
        "version": spec.version() or None,
        "ok": _fine(found),
        "checks": [{**dataclasses.asdict(each), "ok": each.ok} for each in found],
    }


def _screen(spec: EngineSpec, found: Sequence[CheckResult], *, verbose: bool) -> list[str]:
    paint = _console.painter(sys.stdout)
    answer = paint("keeps the contract", "good") if _fine(found) else paint("does not keep the contract", "bad")
    if any(each.status == "not ready" for each in found):
        answer = paint("is not ready", "bad")
    heading = f"{clean(' '.join(filter(None, (spec.name, spec.version()))))} {answer}"
    rows = _rows(found, paint) if verbose else [*_sums(found, paint), *_remarks(found, paint)]
    hint = [] if verbose else [paint(f"every check: lpbench check {spec.name} -v", "dim")]
    return [heading, *rows, *hint]


def _sums(found: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return the table of sections."""
    rows = [_sum(section, list(group)) for section, group in groupby(found, key=lambda each: each.section)]
    columns = [Column("  section", left=True), *map(Column, STATUSES)]
    header, *lines = table(columns, [*rows, _sum("all", found)])
    return [paint(header, "dim"), *lines]


def _sum(section: str, found: Sequence[CheckResult]) -> list[str]:
    counts: Mapping[str, int] = {
        "passed": sum(each.status == "passed" for each in found),
        "failed": sum(not each.ok for each in found),
        "not applicable": sum(each.status in {"not applicable", "not ready"} for each in found),
        "expected failure": sum(each.status == "expected failure" for each in found),
    }
    return [f"  {section}", *(str(counts[status] or "-") for status in STATUSES)]


def _remarks(found: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return what did not pass, what is broken first, equal reasons under one line."""
    rest = sorted((each for each in found if each.status != "passed"), key=lambda each: (each.ok, each.status))
    lines = []
    for (status, message), group in groupby(rest, key=lambda each: (each.status, each.message)):
        names = list(group)
        said = names[0].check if len(names) == 1 else f"{len(names)} checks"
        lines.append(f"{paint(status, STYLES.get(status, 'dim'))}  {said}")
        lines += [f"  {names[0].summary}"] if len(names) == 1 and not names[0].ok else []
        lines += [f"  {clean(message)}"]
    return lines


def _rows(found: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return every check, section by section."""
    lines = []
    for section, group in groupby(found, key=lambda each: each.section):
        lines.append(paint(section, "bold"))
        for each in group:
            lines.append(f"  {paint(each.status, STYLES.get(each.status, 'dim'))}  {each.check}: {each.summary}")
            lines += [f"    {clean(each.message)}"] if each.message else []
            lines += [f"    {clean(line)}" for line in each.trace.rstrip().splitlines()]
    return lines


def _catalogue() -> list[str]:
    from lpbench.testing import checks

    lines = []
    for kind, found in checks().items():
        lines.append(f"{kind}: {len(found)} checks")
        lines += [f"  {each.section:9}  {each.name}: {each.summary}" for each in found]
    return lines


class _Progress:
    """A line that changes on a terminal, a line for each section elsewhere."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._begun = time.monotonic()
        self._done = 0
        self._section = ""

    def __call__(self, result: CheckResult) -> None:
        """Show how far it is."""
        self._done += 1
        if self._stream.isatty():
            left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
            text = f"{result.section} · check {self._done}/{self._total} · about {seconds(left)} left"
            self._stream.write(f"\r{shorten(text, _console.width(self._stream) - 1)}\x1b[K")
            self._stream.flush()
        elif result.section != self._section:
            self._section = result.section
            _console.say(f"checking: {result.section}")

    def close(self) -> None:
        """Wipe the line."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
