"""``lpbench check``: whether an engine, a processor, a monitor or an algorithm meets its contract on this machine."""

from __future__ import annotations

import dataclasses
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.cli import _attack, _console, _options
from lpbench.cli._steps import Beating
from lpbench.errors import LpbenchError
from lpbench.render import Column, hanging, narrow, time_left
from lpbench.util.paths import no_such_file
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.progress import Activity
    from lpbench.plugin.registry import Kind
    from lpbench.plugin.specs import EngineSpec, Spec
    from lpbench.render._table import Paint
    from lpbench.testing import CheckResult, EngineCase

EPILOG = """\
examples:
  lpbench check onnxruntime
  lpbench check onnxruntime --model model.onnx --shape input=1,3,224,224 --threads 2 -v
  lpbench check tensors --kind postprocessor
  lpbench check onnxruntime --attack --mutants 1000 --seed 7
"""
FOR_ENGINES = ("device", "threads", "set", "model", "extra", "input", "shape", "attack")
"""Options that only engines have."""
KINDS = ("engine", "preprocessor", "postprocessor", "monitor", "algorithm")
STATUSES = ("passed", "failed", "not applicable", "expected failure")
STYLES = {"passed": "good", "failed": "bad", "passed against expectation": "bad", "not ready": "bad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Run the conformance kit on an engine, a processor, a monitor or an algorithm, each check in a process of its "
        "own: does it meet the contract that measurements rely on? Exit status 0 if it does, else 1."
    )
    parser.epilog = EPILOG
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="an engine, processor, monitor or algorithm, of lpbench plugins -v",
    )
    parser.add_argument("--kind", choices=KINDS, help="what it is, where several have the name")
    parser.add_argument("--list", action="store_true", help="list the checks and exit")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every check, its message and traceback")
    group = parser.add_argument_group("engine")
    group.add_argument("--device", metavar="D", help="device, as the engine names it: cpu, cuda:0, …")
    group.add_argument("--threads", type=_options.from_zero, metavar="N", help="threads of the engine")
    group.add_argument(
        "--set", type=_options.pair, action="append", default=[], metavar="KEY=VALUE", help="another engine option"
    )
    _attack.add(parser)
    group = parser.add_argument_group("model; by default the one that the plugin contains")
    group.add_argument("--model", metavar="FILE", help="check with this model")
    group.add_argument("--extra", action="append", default=[], metavar="FILE", help="a further file of the model")
    group.add_argument(
        "--input", action="append", default=[], metavar="FILE", help=".npy or .npz; twice for two inputs"
    )
    group.add_argument(
        "--shape", type=_options.shape, action="append", default=[], metavar="NAME=1,3,…", help="fix open dimensions"
    )


def main(options: argparse.Namespace) -> int:
    """Run the checks and print the results."""
    if options.list:
        _console.answer(*_catalogue())
        return _console.DONE
    if not options.name:
        raise LpbenchError("no name given", hint="lpbench engines and lpbench plugins -v list what can be checked")
    from lpbench.testing import find

    kind, spec = find(options.name, options.kind or "")
    _attack.refuse_mixed(options)
    if options.attack:
        return _attacked(kind, spec, options)
    results = _run(kind, spec, options)
    if options.json:
        _console.answer_json(_document(kind, spec, results))
    else:
        _console.answer(*_screen(kind, spec, results, verbose=options.verbose))
    return _console.DONE if _passed(results) else _console.FAILED


def _attacked(kind: Kind[Any], spec: Spec, options: argparse.Namespace) -> int:
    from lpbench.plugin.specs import EngineSpec

    if not isinstance(spec, EngineSpec):
        _refuse_for_engines(kind, options)
    assert isinstance(spec, EngineSpec)  # noqa: S101 - others are refused
    return _attack.main(spec.name, _engine_options(spec, options), options)


def _run(kind: Kind[Any], spec: Spec, options: argparse.Namespace) -> list[CheckResult]:
    from lpbench import testing
    from lpbench.plugin.specs import EngineSpec

    with Beating(f"checking: starting {clean(spec.name)}", patience=0.0) as steps:
        progress = _Checks(steps, len(testing.checks()[kind.word]))
        if isinstance(spec, EngineSpec):
            case, engine_options = _case(spec, options), _engine_options(spec, options)
            return testing.check_engine(spec.name, case, options=engine_options, progress=progress, hear=progress.hear)
        _refuse_for_engines(kind, options)
        check: Any = getattr(testing, f"check_{kind.word}")
        results: list[CheckResult] = check(spec.name, progress=progress)
        return results


def _refuse_for_engines(kind: Kind[Any], options: argparse.Namespace) -> None:
    for name in FOR_ENGINES:
        if getattr(options, name) not in (None, [], False):
            raise LpbenchError(
                f"--{name} is for engines, and {options.name} is a {kind.word}", hint=f"leave --{name} out"
            )


def _case(spec: EngineSpec, options: argparse.Namespace) -> EngineCase | None:
    if not options.model:
        _refuse_without_model(options)
        return None
    from lpbench.testing import model_case

    for file in (options.model, *options.extra, *options.input):
        if not Path(file).exists():
            raise no_such_file(file, LpbenchError)
    return model_case(spec.name, options.model, extra=options.extra, inputs=options.input, shapes=dict(options.shape))


def _refuse_without_model(options: argparse.Namespace) -> None:
    for name in ("extra", "input", "shape"):
        if getattr(options, name):
            raise LpbenchError(f"--{name} requires --model", hint="name the model with --model FILE")


def _engine_options(spec: EngineSpec, options: argparse.Namespace) -> dict[str, Any]:
    """Return the engine's options, converted to the types of its config."""
    from lpbench.plugin import specs
    from lpbench.util import dataclass_config

    texts = dict(options.set)
    values: dict[str, Any] = (
        dataclass_config.parse(specs.load(spec.config, who=spec.name), texts) if spec.config else texts
    )
    named = {"device": options.device, "threads": options.threads}
    return {**values, **{name: value for name, value in named.items() if value is not None}}


def _passed(results: Sequence[CheckResult]) -> bool:
    return all(result.ok and result.status != "not ready" for result in results)


def _version(spec: Spec) -> str:
    from lpbench.plugin.spec_answers import version_of
    from lpbench.plugin.specs import EngineSpec

    return version_of(spec) if isinstance(spec, EngineSpec) else ""


def _document(kind: Kind[Any], spec: Spec, results: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "kind": kind.word,
        "name": spec.name,
        "version": _version(spec) or None,
        "ok": _passed(results),
        "checks": [{**dataclasses.asdict(result), "ok": result.ok} for result in results],
    }


def _screen(kind: Kind[Any], spec: Spec, results: Sequence[CheckResult], *, verbose: bool) -> list[str]:
    paint = _console.painter(_console.answers())
    answer = paint("meets the contract", "good") if _passed(results) else paint("does not meet the contract", "bad")
    if any(result.status == "not ready" for result in results):
        answer = paint("is not ready", "bad")
    what = (kind.word if kind.word != "engine" else "", spec.name, _version(spec))
    heading = f"{clean(' '.join(filter(None, what)))} {answer}"
    rows = _rows(results, paint) if verbose else [*_sums(results, paint), *_remarks(results, paint)]
    hint = [] if verbose else [paint(f"every check: lpbench check {spec.name} --kind {kind.word} -v", "dim")]
    return [heading, *rows, *hint]


def _sums(results: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return the table of sections."""
    rows = [_sum(section, list(group)) for section, group in groupby(results, key=lambda result: result.section)]
    columns = [Column("  section", left=True), *map(Column, STATUSES)]
    header, *lines = narrow(columns, [*rows, _sum("all", results)], _console.listing_width(_console.answers()))
    return [paint(header, "dim"), *lines]


def _sum(section: str, results: Sequence[CheckResult]) -> list[str]:
    counts: Mapping[str, int] = {
        "passed": sum(result.status == "passed" for result in results),
        "failed": sum(not result.ok for result in results),
        "not applicable": sum(result.status in {"not applicable", "not ready"} for result in results),
        "expected failure": sum(result.status == "expected failure" for result in results),
    }
    return [f"  {section}", *(str(counts[status] or "-") for status in STATUSES)]


def _remarks(results: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return the checks that did not pass, failures first; checks with the same message share an entry."""
    rest = sorted((result for result in results if result.status != "passed"), key=lambda each: (each.ok, each.status))
    lines = []
    for (status, message), same in groupby(rest, key=lambda result: (result.status, result.message)):
        first, *others = same
        name = f"{1 + len(others)} checks" if others else first.check
        lines.append(f"{paint(status, STYLES.get(status, 'dim'))}  {name}")
        lines += _wrapped(first.summary) if not others and not first.ok else []
        lines += _wrapped(clean(message))
    return lines


def _rows(results: Sequence[CheckResult], paint: Paint) -> list[str]:
    """Return every check, section by section."""
    lines = []
    for section, group in groupby(results, key=lambda result: result.section):
        lines.append(paint(section, "bold"))
        for result in group:
            status = paint(result.status, STYLES.get(result.status, "dim"))
            head, *rest = _wrapped(f"{result.status}  {result.check}: {result.summary}")
            lines += [head.replace(result.status, status, 1), *rest]
            lines += _wrapped(clean(result.message), indent=4) if result.message else []
            lines += [f"    {clean(line)}" for line in result.trace.rstrip().splitlines()]
    return lines


def _wrapped(text: str, indent: int = 2) -> list[str]:
    return hanging(text, _console.listing_width(_console.answers()), indent)


def _catalogue() -> list[str]:
    from lpbench.testing import checks

    lines = []
    for kind, of_kind in checks().items():
        lines.append(f"{kind}: {amount(len(of_kind), 'check')}")
        texts = [f"{check.section:9}  {check.name}: {check.summary}" for check in of_kind]
        lines += [line for text in texts for line in _wrapped(text)]
    return lines


class _Checks:
    """Tells what is being checked, and how far that is."""

    def __init__(self, steps: Beating, total: int) -> None:
        self._steps = steps
        self._total = total
        self._done = 0
        self._begun = time.monotonic()

    def hear(self, activity: Activity) -> None:
        """Tell what the engine reports that takes long."""
        self._steps.tell("activity", f"checking: check {self._done + 1}/{self._total} · {activity}")

    def __call__(self, result: CheckResult) -> None:
        """Tell that a check is done."""
        self._done += 1
        left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
        words = [f"checking: {result.section}", f"check {self._done}/{self._total}", time_left(left)]
        self._steps.tell(result.section, " · ".join(words))
