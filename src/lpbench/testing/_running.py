"""Checks of a session's inputs and outputs."""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.testing import _arrays
from lpbench.testing._checks import NotApplicable, named, refused, require, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import Session
    from lpbench.testing._subject import EngineSubject


def tensors_are_described(subject: EngineSubject) -> None:
    """Inputs and outputs are TensorInfo with unique names, and the inputs are those of the case."""
    with subject.open() as session:
        for side in (session.inputs, session.outputs):
            require(all(isinstance(info, TensorInfo) for info in side), f"found {side!r}; expected TensorInfo")
            names = [info.name for info in side]
            require(
                names and len(set(names)) == len(names), f"names must be unique, and at least one is needed: {names}"
            )
        announced, fed = {info.name for info in session.inputs}, set(subject.case.feeds)
        require(announced == fed, f"the session announces the inputs {sorted(announced)}; the case feeds {sorted(fed)}")


def outputs_are_those_announced(subject: EngineSubject) -> None:
    """A run returns exactly the outputs that the session announces."""
    with subject.open() as session:
        returned, announced = sorted(session.run(subject.case.feeds)), sorted(info.name for info in session.outputs)
        require(returned == announced, f"the session announced the outputs {announced} and returned {returned}")


def types_and_shapes_are_those_announced(subject: EngineSubject) -> None:
    """Every feed and output has the type and shape that the session announces."""
    with subject.open() as session:
        outputs = session.run(subject.case.feeds)
        for info in (*session.inputs, *session.outputs):
            array = outputs[info.name] if info in session.outputs else subject.case.feeds[info.name]
            actual = f"{array.dtype.name} of shape {array.shape}"
            require(fits(info, array), f'"{info.name}": announced {info.dtype} of shape {info.shape}, found {actual}')


def outputs_are_right(subject: EngineSubject) -> None:
    """The outputs are those that the case expects."""
    case = subject.case
    if case.expected is None:
        raise NotApplicable("the case expects no values")
    with subject.open() as session:
        require_same(session.run(case.feeds), case.expected, case.tolerance, "")


def same_feeds_give_the_same(subject: EngineSubject) -> None:
    """The same feeds give the same outputs, even after a run with other feeds."""
    case = subject.case
    with subject.open() as session:
        first, _, again = (_arrays.copies(session.run(feeds)) for feeds in (case.feeds, case.other, case.feeds))
    require_same(again, first, case.tolerance, "after another run ")


def refilled_feeds_are_read_again(subject: EngineSubject) -> None:
    """Feeds that are refilled in place give new outputs, since preprocessors reuse their buffers."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.other))
        buffers = _arrays.copies(case.feeds)
        stale = _arrays.copies(session.run(buffers))
        require(_arrays.difference(stale, expected), 'the case gives the same outputs for "feeds" and "other"')
        _arrays.refill(buffers, case.other)
        require_same(session.run(buffers), expected, case.tolerance, "after the feeds were refilled ")


def outputs_do_not_share_memory_with_feeds(subject: EngineSubject) -> None:
    """Refilling the feeds does not change the last outputs, which may be read after the next sample is prepared."""
    case = subject.case
    with subject.open() as session:
        buffers = _arrays.copies(case.feeds)
        outputs = session.run(buffers)
        kept = _arrays.copies(outputs)
        _arrays.refill(buffers, case.other)
        require_same(outputs, kept, 0, "after the feeds were refilled ")


def feeds_are_unchanged(subject: EngineSubject) -> None:
    """A run does not modify its feeds, since they are used again."""
    feeds = _arrays.copies(subject.case.feeds)
    with subject.open() as session:
        for _ in range(3):
            session.run(feeds)
    require_same(feeds, subject.case.feeds, 0, "the feed ")


def strided_feeds_give_the_same(subject: EngineSubject) -> None:
    """Feeds that are not contiguous give the same outputs, or are refused by name."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))
        for name, array in case.feeds.items():
            feeds = {**case.feeds, name: _arrays.strided(array)}
            try:
                outputs = session.run(feeds)
            except EngineError as error:
                require(named(name, str(error)), f'the error does not name "{name}": {short(error)}')
            else:
                require_same(outputs, expected, case.tolerance, "of strided feeds ")


def outputs_stay_valid_as_stated(subject: EngineSubject) -> None:
    """Outputs stay valid until the next run; with ``owned_outputs`` also after it and after closing."""
    case = subject.case
    session = subject.open()
    outputs = session.run(case.feeds)
    kept = _arrays.copies(outputs)
    session.describe()
    session.device_spans()
    _stir_memory(kept)
    require_same(outputs, kept, 0, "before the next run ")
    if subject.spec.owned_outputs:
        session.run(case.other)
        require_same(outputs, kept, 0, "after the next run, against owned_outputs, ")
    session.close()
    if subject.spec.owned_outputs:
        _stir_memory(kept)
        require_same(outputs, kept, 0, "after closing, against owned_outputs, ")


def missing_feed_is_named(subject: EngineSubject) -> None:
    """A run without one of the inputs is refused by the input's name, on the first run and later."""
    for name, feeds in subject.case.feeds.items():
        incomplete = {key: value for key, value in subject.case.feeds.items() if key != name}
        _refused_always(subject, incomplete, f"run without {feeds.dtype.name} input", name)


def extra_feed_is_named(subject: EngineSubject) -> None:
    """A feed that is not an input is refused by name, on the first run and later."""
    name = "no_such_input"
    extra = next(iter(subject.case.feeds.values()))
    _refused_always(subject, {**subject.case.feeds, name: extra}, "run with an extra feed", name)


def wrong_type_is_named(subject: EngineSubject) -> None:
    """A feed of another type is refused by the input's name, on the first run and later."""
    for name, array in subject.case.feeds.items():
        wrong = _arrays.other_type(array)
        doing = f"run with {wrong.dtype.name} for {array.dtype.name}"
        _refused_always(subject, {**subject.case.feeds, name: wrong}, doing, name)


def wrong_shape_is_named(subject: EngineSubject) -> None:
    """A feed of another shape is refused by the input's name, on the first run and later."""
    for name, array in subject.case.feeds.items():
        wrong = _arrays.other_shape(array)
        doing = f"run with shape {wrong.shape} for {array.shape}"
        _refused_always(subject, {**subject.case.feeds, name: wrong}, doing, name)


def runs_after_a_refusal(subject: EngineSubject) -> None:
    """After refusing feeds, a session runs correct ones with correct outputs."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))
        for change in (_arrays.other_type, _arrays.other_shape):
            for name, array in case.feeds.items():
                with suppress(EngineError):
                    session.run({**case.feeds, name: change(array)})
                require_same(session.run(case.feeds), expected, case.tolerance, "after a refusal ")


def shapes_asked_for_are_in_force(subject: EngineSubject) -> None:
    """A session opened with shapes announces them and runs with them."""
    case = subject.case
    shapes = {name: tuple(array.shape) for name, array in case.feeds.items()}
    session = subject.engine().open(case.model, subject.settings({}), shapes=shapes)
    with session:
        announced = {info.name: tuple(info.shape) for info in session.inputs}
        require(announced == shapes, f"{shapes} was requested; the session announces {announced}")
        session.run(case.feeds)


def impossible_shapes_are_refused(subject: EngineSubject) -> None:
    """A shape that an input cannot have, or for an unknown input, is refused by the input's name."""
    case, engine = subject.case, subject.engine()
    for name, array in {**case.feeds, "no_such_input": next(iter(case.feeds.values()))}.items():
        shape = tuple(array.shape) if name not in case.feeds else (*array.shape, 2)

        def call(name: str = name, shape: tuple[int, ...] = shape) -> Session:
            return engine.open(case.model, subject.settings({}), shapes={name: shape})

        refused(call, f"opening with shape {shape}", name, EngineError)


def require_same(got: Mapping[str, Any], want: Mapping[str, Any], tolerance: float, when: str) -> None:
    """Require that arrays are equal within a tolerance.

    :param when: Begins the message.
    """
    difference = _arrays.difference(got, want, tolerance)
    require(not difference, f"{when}{difference}")


def fits(info: TensorInfo, array: Any) -> bool:
    """Return whether an array has the announced type and shape of a tensor."""
    sizes = len(array.shape) == len(info.shape) and all(
        not isinstance(size, int) or size == actual for size, actual in zip(info.shape, array.shape, strict=True)
    )
    return sizes and array.dtype.name == info.dtype


def _refused_always(subject: EngineSubject, feeds: Mapping[str, Any], doing: str, name: str) -> None:
    """Require a refusal in a session's first run and in a later one, since some engines check only the first."""
    with subject.open() as session:
        refused(lambda: session.run(feeds), f"first {doing}", name, EngineError)
        session.run(subject.case.feeds)
        refused(lambda: session.run(feeds), f"later {doing}", name, EngineError)


def _stir_memory(like: Mapping[str, Any]) -> None:
    """Reuse freed memory, so that outputs that still point to it change."""
    import numpy as np

    gc.collect()
    for _ in range(3):
        taken = [np.full(array.shape, 77).astype(array.dtype) for array in like.values() for _ in range(50)]
        del taken
    time.sleep(0.01)
