"""Checks of postprocessors, which turn outputs into a prediction."""

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
    """describe() returns a non-empty mapping that is valid JSON once the core has applied to_jsonable."""
    from lpbench.util.jsonable import to_jsonable

    for outputs in (subject.case.given, subject.case.other):
        description = described(subject, outputs)
        require(description, "describe() returned nothing")
        require_json(to_jsonable(dict(description)), "describe()")


def description_is_right(subject: PostprocessorSubject) -> None:
    """describe() returns the description that the case expects."""
    from lpbench.util.jsonable import to_jsonable

    if subject.case.expected is None:
        raise NotApplicable("the case expects no description")
    description, expected = to_jsonable(described(subject, subject.case.given)), to_jsonable(subject.case.expected)
    require(description == expected, f"found {description!r:.300}; expected {expected!r:.300}")


def candidates_come_best_first(subject: PostprocessorSubject) -> None:
    """Candidates under "top" have labels and are sorted by descending score."""
    top = described(subject, subject.case.given).get("top")
    if not top:
        raise NotApplicable('the description has no "top"')
    require(
        all(isinstance(candidate.get("label"), str) for candidate in top), f"a candidate has no label: {top!r:.200}"
    )
    scores = [float(candidate["score"]) for candidate in top]
    require(scores == sorted(scores, reverse=True), f"the scores are not in descending order: {scores}")


def outputs_do_not_mix(subject: PostprocessorSubject) -> None:
    """A prediction depends only on its own outputs, not on earlier ones."""
    from lpbench.util.jsonable import to_jsonable

    case, postprocessor = subject.case, subject.build()
    alone = [to_jsonable(described(subject, outputs)) for outputs in (case.given, case.other)]
    require(alone[0] != alone[1], "the case's outputs have the same prediction")
    for index in (0, 1, 0, 0, 1):
        outputs = (case.given, case.other)[index]
        description = to_jsonable(dict(postprocessor.describe(postprocessor(outputs, case.sample))))
        require(description == alone[index], "the prediction differs after another one was made")


def outputs_are_unchanged(subject: PostprocessorSubject) -> None:
    """The outputs are not modified, since the engine may own them."""
    outputs = _arrays.copies(subject.case.given)
    postprocessor = subject.build()
    postprocessor.describe(postprocessor(outputs, subject.case.sample))
    require_same(outputs, subject.case.given, 0, "the output ")


def outputs_may_be_read_only(subject: PostprocessorSubject) -> None:
    """Read-only outputs are accepted, since engines return such arrays."""
    outputs = _arrays.copies(subject.case.given)
    for array in outputs.values():
        array.flags.writeable = False
    subject.build()(outputs, subject.case.sample)


def calls_leave_nothing_behind(subject: PostprocessorSubject) -> None:
    """Descriptors, threads and memory do not grow with the number of predictions."""
    case, postprocessor = subject.case, subject.build()
    nothing_grows(lambda: postprocessor.describe(postprocessor(case.given, case.sample)), case.cycles)


def process_is_left_as_it_was(subject: PostprocessorSubject) -> None:
    """Environment (native, too), working directory, affinity, signal handlers and umask are unchanged."""
    given = subject.case.given
    before = _process.state()
    described(subject, given)
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: PostprocessorSubject) -> None:
    """Nothing is printed to standard output, which is reserved for results."""
    with _process.nothing_printed(subject.folder):
        described(subject, subject.case.given)


def described(subject: PostprocessorSubject, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a prediction, made by a new postprocessor."""
    postprocessor = subject.build()
    return dict(postprocessor.describe(postprocessor(outputs, subject.case.sample)))
