"""pyACL's calls: each answer as the vendor documents it, anything else is an error that says so."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lpbench_acl._calls import AclError, Calls


def library(reason: object = "EE1001: why", **functions: Any) -> Calls:
    """Return calls of a module with functions of ``acl.rt`` and a reason for failures."""
    module = ModuleType("acl")
    module.rt = SimpleNamespace(**functions)  # type: ignore[attr-defined] # as in the vendor's module
    module.get_recent_err_msg = lambda: reason  # type: ignore[attr-defined] # likewise
    return Calls(module)


def answering(answer: object) -> Calls:
    return library(malloc=lambda *_: answer, free=lambda *_: answer, get_mem_info=lambda *_: answer)


def test_values_come_without_their_code() -> None:
    assert answering((64, 0)).call("rt.malloc", 1, 0) == 64
    assert answering((1, 2, 0)).call("rt.get_mem_info", 0) == (1, 2)
    assert answering(0).call("rt.free", 64) is None


@pytest.mark.parametrize("name", ["rt.free", "rt.malloc"])
def test_a_failure_names_call_code_reason_and_remedy(name: str) -> None:
    with pytest.raises(AclError) as caught:
        answering(207001 if name == "rt.free" else (0, 207001)).call(name, 64)
    assert str(caught.value).startswith(f"acl.{name} failed: out of device memory (207001): EE1001: why\n  free memory")


def test_a_prepared_call_fails_as_any_other() -> None:
    answering(0).prepared("rt.free", 64)()
    with pytest.raises(AclError, match=r"acl\.rt\.free failed: error 999999: EE1001: why"):
        answering(999999).prepared("rt.free", 64)()


@pytest.mark.parametrize("reason", [None, 0, "", "  \n"])
def test_a_failure_without_a_reason_is_told_without(reason: object) -> None:
    with pytest.raises(AclError) as caught:
        library(reason, free=lambda _: 500002).call("rt.free", 64)
    assert str(caught.value) == "acl.rt.free failed: internal error of the graph engine (500002)"


@pytest.mark.parametrize("answer", [None, 64, (64,), (64, 0, 0), ("64", 0), (64, None), (64, "0"), (0, 0), (-1, 0)])
def test_an_answer_that_is_not_documented_is_refused(answer: object) -> None:
    with pytest.raises(AclError, match=r"acl\.rt\.malloc returned .*: EE1001: why"):
        answering(answer).handle("rt.malloc", 1, 0)


@pytest.mark.parametrize("answer", [None, (0,), "0"])
def test_a_code_that_is_none_is_refused(answer: object) -> None:
    with pytest.raises(AclError, match=r"acl\.rt\.free returned .*, which is not what pyACL documents"):
        answering(answer).call("rt.free", 64)


def test_what_this_cann_lacks_is_named() -> None:
    calls = library()
    assert not calls.has("rt.free")
    with pytest.raises(AclError, match=r"acl\.rt\.free is missing in this version of CANN"):
        calls.call("rt.free", 64)


def test_the_vendors_message_is_told_without_its_stamp_and_trace_and_with_its_solution() -> None:
    message = (
        "EE1001: [PID: 106] 2025-10-30-08:21:08.817.477 The argument is invalid.Reason: devId=9\x1b[2J\n"
        "        Solution: Check the device.\n"
        "        TraceBack (most recent call last):\n        there[FILE:a.cc][LINE:7]\n"
    )
    with pytest.raises(AclError) as caught:
        library(message, free=lambda _: 1).call("rt.free", 64)
    what, hint = str(caught.value).split("\n  ")
    assert what == "acl.rt.free failed: error 1: EE1001: The argument is invalid.Reason: devId=9\\x1b[2J"
    assert hint == "Check the device."


def test_words_that_are_no_message_are_told_on_one_line() -> None:
    with pytest.raises(AclError, match=r"^acl\.rt\.free failed: error 1: out of luck today$"):
        library("out of luck\n    today\n", free=lambda _: 1).call("rt.free", 64)


@pytest.mark.parametrize("word", ["\x1b[2J", "no ", "EE1001: no\n"])
def test_words_without_end_are_told_in_short(word: str) -> None:
    with pytest.raises(AclError) as caught:
        library(word * 1_000_000, free=lambda _: 1).call("rt.free", 64)
    assert len(caught.value.what) < 1000
