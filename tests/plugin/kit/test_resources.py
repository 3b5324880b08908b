"""Releasing what a session holds: in reverse order, all of it, also while an error is alive."""

from __future__ import annotations

import weakref

import pytest

from lpbench.errors import EngineError
from lpbench.plugin.kit.resources import Resources, let_go


class Thing:
    """Something that only the collector releases."""


def test_the_last_acquired_is_released_first_and_nothing_twice() -> None:
    released: list[str] = []
    held = Resources()
    for name in ("context", "stream", "memory"):
        held.add(lambda name=name: released.append(name))  # type: ignore[misc] # a default argument, not one that is passed
    held.close()
    held.close()
    assert released == ["memory", "stream", "context"]


def test_a_failure_does_not_keep_the_rest_and_the_first_is_raised() -> None:
    released: list[str] = []
    held = Resources()

    def fail(what: str) -> None:
        raise EngineError(what)

    held.add(lambda: released.append("context"))
    held.add(lambda: fail("second"))
    held.add(lambda: fail("first"))
    with pytest.raises(EngineError, match="first"):
        held.close()
    assert released == ["context"]
    held.close()


def test_an_exception_of_the_vendors_does_not_keep_the_rest_either() -> None:
    released: list[str] = []
    held = Resources()

    def fail() -> None:
        raise SystemError("a handle that is none")

    held.add(lambda: released.append("context"))
    held.add(fail)
    with pytest.raises(EngineError, match="releasing raised SystemError: a handle that is none"):
        held.close()
    assert released == ["context"]


def test_what_a_failed_call_held_is_gone_while_its_error_is_alive() -> None:
    """Also what calls held whose errors are the cause of the one that is seen."""
    seen: list[weakref.ref[Thing]] = []

    def inner() -> None:
        held = Thing()
        seen.append(weakref.ref(held))
        raise ValueError

    def outer() -> None:
        try:
            inner()
        except ValueError as error:
            raise EngineError("failed") from error

    try:
        outer()
    except EngineError as error:
        assert seen[0]() is not None
        let_go(error)
        assert seen[0]() is None
