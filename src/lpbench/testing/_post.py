"""Checks of postprocessors: outputs become a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.testing import _arrays, _process
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing._lifetime import nothing_grows
from lpbench.testing._measuring import require_json
from lpbench.testing._running import require_same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.testing._subject import PostprocessorSubject


def predictions_describe_as_json(subject: PostprocessorSubject) -> None:
    """A prediction is described by a mapping of texts to what JSON carries, once the core made it to_jsonable."""
    from lpbench.util.jsonable import to_jsonable

    for outputs in (subject.case.given, subject.case.other):
        found = _described(subject, outputs)
        require(found, "describe() says nothing")
        require_json(to_jsonable(dict(found)), "describe()")


def description_is_right(subject: PostprocessorSubject) -> None:
    """A prediction is described as the case expects."""
    from lpbench.util.jsonable import to_jsonable

    if subject.case.expected is None:
        raise NotApplicable("the case expects no description")
    found, wanted = to_jsonable(_described(subject, subject.case.given)), to_jsonable(subject.case.expected)
    require(found == wanted, f"found {found!r:.300}; expected {wanted!r:.300}")


def candidates_come_best_first(subject: PostprocessorSubject) -> None:
    """Candidates under "top" have a label and stand in the order of their scores."""
    top = _described(subject, subject.case.given).get("top")
    if not top:
        raise NotApplicable('there is no "top"')
    require(all(isinstance(each.get("label"), str) for each in top), f"a candidate has no label: {top!r:.200}")
    scores = [float(each["score"]) for each in top]
    require(scores == sorted(scores, reverse=True), f"scores {scores}")


def outputs_do_not_mix(subject: PostprocessorSubject) -> None:
    """A prediction depends on its own outputs only, whatever came before."""
    from lpbench.util.jsonable import to_jsonable

    case, postprocessor = subject.case, subject.build()
    alone = [to_jsonable(_described(subject, outputs)) for outputs in (case.given, case.other)]
    require(alone[0] != alone[1], "the case's outputs have the same prediction")
    for at in (0, 1, 0, 0, 1):
        outputs = (case.given, case.other)[at]
        found = to_jsonable(dict(postprocessor.describe(postprocessor(outputs, case.sample))))
        require(found == alone[at], "the prediction differs after another one")


def outputs_are_unchanged(subject: PostprocessorSubject) -> None:
    """The outputs are as before: the engine may own them."""
    outputs = _arrays.copies(subject.case.given)
    postprocessor = subject.build()
    postprocessor.describe(postprocessor(outputs, subject.case.sample))
    require_same(outputs, subject.case.given, 0, "the output ")


def outputs_may_be_read_only(subject: PostprocessorSubject) -> None:
    """Outputs that cannot be written to are taken: engines hand over such arrays."""
    outputs = _arrays.copies(subject.case.given)
    for array in outputs.values():
        array.flags.writeable = False
    subject.build()(outputs, subject.case.sample)


def calls_leave_nothing_behind(subject: PostprocessorSubject) -> None:
    """Descriptors, threads and memory after many predictions are as after some."""
    case, postprocessor = subject.case, subject.build()
    nothing_grows(lambda: postprocessor.describe(postprocessor(case.given, case.sample)), case.cycles)


def process_is_left_as_it_was(subject: PostprocessorSubject) -> None:
    """Environment, working directory, cores, signal handlers and umask are as before, seen by native code too."""
    given = subject.case.given
    before = _process.state()
    _described(subject, given)
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: PostprocessorSubject) -> None:
    """Nothing is printed to standard output, where results go."""
    with _process.nothing_printed(subject.folder):
        _described(subject, subject.case.given)


def _described(subject: PostprocessorSubject, outputs: Mapping[str, Any]) -> dict[str, Any]:
    postprocessor = subject.build()
    return dict(postprocessor.describe(postprocessor(outputs, subject.case.sample)))
