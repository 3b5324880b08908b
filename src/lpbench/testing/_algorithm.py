"""Checks of algorithms: every target of the signature, at both ends of every range, the same in every process."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from lpbench.testing._checks import NotApplicable, require
from lpbench.util import processes
from lpbench.util.jsonable import to_jsonable
from lpbench.worker.algorithms.messages import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.algorithm import Value, Values, Variable
    from lpbench.testing._subject import AlgorithmSubject


def signature_is_stated(subject: AlgorithmSubject) -> None:
    """The spec has a signature, and each of its variables and targets says in a line what it is."""
    signature = subject.signature()
    lines = {each.name: each.doc for each in signature.variables} | {each.name: each.doc for each in signature.targets}
    silent = [name for name, doc in lines.items() if not doc]
    require(not silent, f"these say nothing of themselves (doc): {', '.join(silent)}")


def targets_are_those_of_the_signature(subject: AlgorithmSubject) -> None:
    """A run states each target of the signature and no other."""
    algorithm, values = subject.implementation()(), subject.values()
    prepared = algorithm.prepare(values, 0)
    stated = {*algorithm.judge(values, prepared, algorithm.run(values, prepared))}
    expected = {each.name for each in subject.signature().targets}
    require(expected <= stated, f"judge() does not state {', '.join(sorted(expected - stated))}")
    require(stated <= expected, f"the signature does not have {', '.join(sorted(stated - expected))}")


def every_variable_runs_at_both_ends(subject: AlgorithmSubject) -> None:
    """With any variable at the first or the last value that the signature allows, a worker measures it."""
    for variable in subject.signature().variables:
        for value in _ends(variable):
            _measured(subject, {**subject.values(), variable.name: value})


def an_instance_is_the_same_in_every_process(subject: AlgorithmSubject) -> None:
    """Two processes state the same targets of the same configuration and instances."""
    if not subject.signature().targets:
        raise NotApplicable("the signature has no targets")
    one, other = (_measured(subject, subject.values())["targets"] for _ in range(2))
    require(one == other, f"the targets differ between processes: {one} and {other}")


def _ends(variable: Variable) -> tuple[Value, ...]:
    if variable.values:
        return (variable.values[0], variable.values[-1])
    return tuple(0 if end is None else end for end in (variable.lower, 1 if variable.type == "bin" else variable.upper))


def _measured(subject: AlgorithmSubject, values: Values) -> Mapping[str, Any]:
    """Return what a worker answers of a configuration."""
    signature, words = subject.signature(), ":".join(f"{name}={value}" for name, value in values.items())
    targets = tuple(each.name for each in signature.targets)
    request = Request(subject.spec.name, targets, signature.instances, target=subject.spec.target)
    asked, answered = subject.folder / "request", subject.folder / "answer"
    asked.write_text(json.dumps(to_jsonable(dataclasses.replace(request, values=values))), encoding="utf-8")
    command = processes.python("-m", "lpbench.worker.algorithms", str(asked), str(answered))
    told = processes.capture(command, timeout=subject.case.timeout)
    require(told.status == 0, f"{words}: {processes.ending(told.status)}")
    answer: Mapping[str, Any] = json.loads(answered.read_text("utf-8"))
    require("error" not in answer, f"{words}: {answer.get('error', {}).get('what')}")
    figures: Mapping[str, Any] = answer["figures"]
    return figures
