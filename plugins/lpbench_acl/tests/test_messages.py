"""What ATC prints, as its versions print it: the code, the reason and the advice, and nothing of its banners."""

from __future__ import annotations

import pytest

from lpbench_acl._messages import messages, telling_lines

FAILED = """ATC start working now, please wait for a moment.
...
ATC run failed, Please check the detail log, Try 'atc --help' for more information
"""
ADVICE = "1. Check that the OPP component is installed properly."


LACKING = "No supported Ops kernel and engine are found for [Levitate_3], optype [Levitate]."
WHEN = "[PID: 129520] 2025-07-08-10:25:28.680.962"


@pytest.mark.parametrize(
    "first",
    [
        f"EZ3003: {LACKING}",
        f"EZ3003: {WHEN} {LACKING}",
        f"{WHEN} Unsupported_Operator(EZ3003): {LACKING}",
        f"....EZ3003 Unsupported_Operator: {LACKING}",
    ],
)
def test_each_version_of_a_message_is_read(first: str) -> None:
    output = f"""{FAILED}{first}
        Possible Cause: The operator is not supported by the system.
        Solution: {ADVICE}
        TraceBack (most recent call last):
        build graph failed, graph id:0, ret:-1[FUNC:BuildModel][FILE:ge_generator.cc][LINE:148]

"""
    (message,) = messages(output)
    assert str(message) == ("EZ3003: No supported Ops kernel and engine are found for [Levitate_3], optype [Levitate].")
    assert (message.cause, message.solution) == ("The operator is not supported by the system.", ADVICE)


DIFFER = "op[Add_718], the dtypes differ"


@pytest.mark.parametrize(
    "lines",
    [
        f"E89999 {DIFFER}[FUNC:Check][FILE:util.cc][LINE:103]\nVerifying Add_718 failed.[FUNC:Infer][LINE:135]\n",
        f"E89999{WHEN} Inner_Error(E89999):  {DIFFER}[FUNC:Check]\n        TraceBack (most recent call last):\n  more",
        f"        TraceBack (most recent call last):\n        {DIFFER}[LINE:1]",
    ],
)
def test_an_inner_error_is_told_by_what_follows_it(lines: str) -> None:
    (message,) = messages(f"{FAILED}E89999: Inner Error!\n{lines}")
    assert str(message) == f"E89999: {DIFFER}"


def test_an_error_without_a_reason_is_said_to_have_none() -> None:
    assert list(map(str, messages(f"{FAILED}E19999: Internal Error!\n"))) == ["E19999: it gives no reason"]


def test_what_follows_a_blank_line_is_no_part_of_a_message() -> None:
    output = f"{FAILED}E19999: Inner Error!\n\nthe temporary folder was kept\n"
    assert list(map(str, messages(output))) == ["E19999: it gives no reason"]


def test_several_messages_are_kept_once_each_and_a_few_of_very_many() -> None:
    one = "E10001: Value [1] for parameter [x] is invalid.\n"
    assert list(map(str, messages(one + "E10016: Opname [y] is not found\n" + one))) == [
        "E10001: Value [1] for parameter [x] is invalid.",
        "E10016: Opname [y] is not found",
    ]
    assert len(messages("".join(f"E1{number:04}: no\n" for number in range(2000)))) < 10


def test_text_that_is_no_message_is_none() -> None:
    assert messages(FAILED) == []
    assert messages("ERROR: E1 is no code\nException: EIGHTY: no\n\x00\x07garbage E10001\n") == []


def test_a_message_is_never_long() -> None:
    (message,) = messages("E10001: gone " + "x" * 100_000)
    assert len(str(message)) < 1000


def test_banners_and_dots_tell_nothing() -> None:
    assert telling_lines(f"{FAILED}\n.....\nATC run success, welcome to the next use.\nW11001: odd\n") == [
        "W11001: odd"
    ]
