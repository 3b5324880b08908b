"""Checks of what a session takes and gives."""

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
    """Inputs and outputs are TensorInfo with names of their own, and the inputs are those of the case."""
    with subject.open() as session:
        for side in (session.inputs, session.outputs):
            require(all(isinstance(each, TensorInfo) for each in side), f"found {side!r}; expected TensorInfo")
            names = [each.name for each in side]
            require(names and len(set(names)) == len(names), f"names must be there and differ: {names}")
        found, wanted = {each.name for each in session.inputs}, set(subject.case.feeds)
        require(found == wanted, f"announced the inputs {sorted(found)}; the case has {sorted(wanted)}")


def outputs_are_those_announced(subject: EngineSubject) -> None:
    """A run gives the outputs that the session announces, no more and no fewer."""
    with subject.open() as session:
        found, wanted = sorted(session.run(subject.case.feeds)), sorted(each.name for each in session.outputs)
        require(found == wanted, f"announced {wanted}, gave {found}")


def types_and_shapes_are_those_announced(subject: EngineSubject) -> None:
    """Every feed and output has the type and the shape that the session announces."""
    with subject.open() as session:
        outputs = session.run(subject.case.feeds)
        for info in (*session.inputs, *session.outputs):
            array = outputs[info.name] if info in session.outputs else subject.case.feeds[info.name]
            found = f"{array.dtype.name} of shape {array.shape}"
            require(fits(info, array), f'"{info.name}": announced {info.dtype} of shape {info.shape}, found {found}')


def outputs_are_right(subject: EngineSubject) -> None:
    """The outputs are those that the case expects."""
    case = subject.case
    if case.expected is None:
        raise NotApplicable("the case expects no values")
    with subject.open() as session:
        require_same(session.run(case.feeds), case.expected, case.tolerance, "")


def same_feeds_give_the_same(subject: EngineSubject) -> None:
    """A run leaves nothing behind: the same feeds give the same outputs after other ones were run."""
    case = subject.case
    with subject.open() as session:
        first, _, again = (_arrays.copies(session.run(feeds)) for feeds in (case.feeds, case.other, case.feeds))
    require_same(again, first, case.tolerance, "after another run ")


def refilled_feeds_are_read_again(subject: EngineSubject) -> None:
    """Arrays that are filled anew in place give new outputs: preprocessors reuse their buffers."""
    case = subject.case
    with subject.open() as session:
        wanted = _arrays.copies(session.run(case.other))
        buffers = _arrays.copies(case.feeds)
        stale = _arrays.copies(session.run(buffers))
        require(_arrays.difference(stale, wanted), 'the case gives the same outputs for "feeds" and "other"')
        _arrays.refill(buffers, case.other)
        require_same(session.run(buffers), wanted, case.tolerance, "after the feeds were filled anew ")


def outputs_do_not_share_memory_with_feeds(subject: EngineSubject) -> None:
    """Filling the feeds anew leaves the last outputs alone: they are read after the next sample was prepared."""
    case = subject.case
    with subject.open() as session:
        buffers = _arrays.copies(case.feeds)
        outputs = session.run(buffers)
        kept = _arrays.copies(outputs)
        _arrays.refill(buffers, case.other)
        require_same(outputs, kept, 0, "after the feeds were filled anew ")


def feeds_are_unchanged(subject: EngineSubject) -> None:
    """A run leaves its feeds as they were: they are fed again."""
    feeds = _arrays.copies(subject.case.feeds)
    with subject.open() as session:
        for _ in range(3):
            session.run(feeds)
    require_same(feeds, subject.case.feeds, 0, "the feed ")


def strided_feeds_give_the_same(subject: EngineSubject) -> None:
    """Feeds whose values do not lie side by side give the same outputs, or are refused by name."""
    case = subject.case
    with subject.open() as session:
        wanted = _arrays.copies(session.run(case.feeds))
        for name, array in case.feeds.items():
            feeds = {**case.feeds, name: _arrays.strided(array)}
            try:
                found = session.run(feeds)
            except EngineError as error:
                require(named(name, str(error)), f'the refusal does not name "{name}": {short(error)}')
            else:
                require_same(found, wanted, case.tolerance, "of strided feeds ")


def outputs_stay_valid_as_stated(subject: EngineSubject) -> None:
    """Outputs stay as they are until the next run; after it, too, and after closing where the spec says so."""
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
    """A run without one of the inputs is refused by its name, the first time and later."""
    for name, feeds in subject.case.feeds.items():
        less = {key: value for key, value in subject.case.feeds.items() if key != name}
        _refused_always(subject, less, f"run without {feeds.dtype.name} input", name)


def extra_feed_is_named(subject: EngineSubject) -> None:
    """A feed that is no input is refused by its name, the first time and later."""
    name = "no_such_input"
    extra = next(iter(subject.case.feeds.values()))
    _refused_always(subject, {**subject.case.feeds, name: extra}, "run with a feed too many", name)


def wrong_type_is_named(subject: EngineSubject) -> None:
    """A feed of another type is refused by the input's name, the first time and later."""
    for name, array in subject.case.feeds.items():
        wrong = _arrays.other_type(array)
        doing = f"run with {wrong.dtype.name} for {array.dtype.name}"
        _refused_always(subject, {**subject.case.feeds, name: wrong}, doing, name)


def wrong_shape_is_named(subject: EngineSubject) -> None:
    """A feed of another shape is refused by the input's name, the first time and later."""
    for name, array in subject.case.feeds.items():
        wrong = _arrays.other_shape(array)
        doing = f"run with shape {wrong.shape} for {array.shape}"
        _refused_always(subject, {**subject.case.feeds, name: wrong}, doing, name)


def runs_after_a_refusal(subject: EngineSubject) -> None:
    """A session that refused its feeds runs the right ones as if nothing had happened."""
    case = subject.case
    with subject.open() as session:
        wanted = _arrays.copies(session.run(case.feeds))
        for change in (_arrays.other_type, _arrays.other_shape):
            for name, array in case.feeds.items():
                with suppress(EngineError):
                    session.run({**case.feeds, name: change(array)})
                require_same(session.run(case.feeds), wanted, case.tolerance, "after a refusal ")


def shapes_asked_for_are_in_force(subject: EngineSubject) -> None:
    """Opened with shapes, a session announces them and runs at them."""
    case = subject.case
    shapes = {name: tuple(array.shape) for name, array in case.feeds.items()}
    session = subject.engine().open(case.model, subject.settings({}), shapes=shapes)
    with session:
        found = {each.name: tuple(each.shape) for each in session.inputs}
        require(found == shapes, f"asked for {shapes}, announced {found}")
        session.run(case.feeds)


def impossible_shapes_are_refused(subject: EngineSubject) -> None:
    """A shape that the input cannot have, and a shape for no input, are refused by the input's name."""
    case, engine = subject.case, subject.engine()
    for name, array in {**case.feeds, "no_such_input": next(iter(case.feeds.values()))}.items():
        shape = tuple(array.shape) if name not in case.feeds else (*array.shape, 2)

        def call(name: str = name, shape: tuple[int, ...] = shape) -> Session:
            return engine.open(case.model, subject.settings({}), shapes={name: shape})

        refused(call, f"opening with shape {shape}", name, EngineError)


def require_same(got: Mapping[str, Any], want: Mapping[str, Any], tolerance: float, when: str) -> None:
    """Require that arrays are the same."""
    found = _arrays.difference(got, want, tolerance)
    require(not found, f"{when}{found}")


def fits(info: TensorInfo, array: Any) -> bool:
    """Say whether an array has the type and the shape that a tensor is announced with."""
    sizes = len(array.shape) == len(info.shape) and all(
        not isinstance(size, int) or size == found for size, found in zip(info.shape, array.shape, strict=True)
    )
    return sizes and array.dtype.name == info.dtype


def _refused_always(subject: EngineSubject, feeds: Mapping[str, Any], doing: str, name: str) -> None:
    """Require a refusal in a session's first run and in a later one: some look at the first only."""
    with subject.open() as session:
        refused(lambda: session.run(feeds), f"first {doing}", name, EngineError)
        session.run(subject.case.feeds)
        refused(lambda: session.run(feeds), f"later {doing}", name, EngineError)


def _stir_memory(like: Mapping[str, Any]) -> None:
    """Have freed memory used again: who kept a pointer to it shows."""
    import numpy as np

    gc.collect()
    for _ in range(3):
        taken = [np.full(array.shape, 77).astype(array.dtype) for array in like.values() for _ in range(50)]
        del taken
    time.sleep(0.01)
