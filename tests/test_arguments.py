"""Wrong arguments of public functions: refused by name, before anything is done."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import ArgumentError, LpbenchError
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FUNCTIONS = [name for name in lpbench.__all__ if inspect.isfunction(getattr(lpbench, name)) and name != "hookimpl"]
PARAMETERS = [
    (name, parameter)
    for name in FUNCTIONS
    for parameter in inspect.signature(getattr(lpbench, name)).parameters.values()
]


class Nothing:
    """What no argument takes."""


def arguments(name: str, wrong: str) -> dict[str, Any]:
    """Return the arguments that a function must have, one of them wrong."""
    needed = [
        each.name
        for each in inspect.signature(getattr(lpbench, name)).parameters.values()
        if each.default is inspect.Parameter.empty
    ]
    good: dict[str, Any] = {"engines": ["x", "y"], "report": lpbench.AnalysisReport("x", ())}
    good |= dict.fromkeys(("first", "second", "result"), lpbench.Result({}, lpbench.RunSettings(), {}, ()))
    return {**{each: good.get(each, "x") for each in needed}, wrong: Nothing()}


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=[f"{name}-{each.name}" for name, each in PARAMETERS])
def test_every_parameter_of_every_public_function_refuses_what_it_does_not_take(
    name: str, parameter: inspect.Parameter
) -> None:
    with pytest.raises(ArgumentError, match=rf"^{parameter.name}: found .*Nothing.*; it takes ") as error:
        getattr(lpbench, name)(**arguments(name, parameter.name))
    assert isinstance(error.value, LpbenchError)
    assert isinstance(error.value, TypeError)


def test_a_comparison_of_file_names_says_what_it_takes() -> None:
    with pytest.raises(ArgumentError, match=r"first: found 'a\.json', a str; it takes Result"):
        lpbench.compare("a.json", "b.json")  # type: ignore[arg-type] # the wrong use is the test


def test_a_results_functions_refuse_wrong_arguments_too() -> None:
    result = lpbench.Result({}, lpbench.RunSettings(), {}, ())
    with pytest.raises(ArgumentError, match=r"path: found 3, a int; it takes str \| Path"):
        result.save(3)  # type: ignore[arg-type] # the wrong use is the test
    with pytest.raises(ArgumentError, match=r"too many positional arguments"):
        result.to_pandas(True)  # type: ignore[call-arg] # noqa: FBT003 - the wrong use is the test


def test_an_argument_that_does_not_exist_gets_the_nearest_name() -> None:
    with pytest.raises(ArgumentError, match=r"no argument thread\n.*threads"):
        lpbench.benchmark("x", thread=1)  # type: ignore[call-arg] # the wrong use is the test
    with pytest.raises(ArgumentError, match="missing a required argument"):
        lpbench.benchmark()  # type: ignore[call-arg] # the wrong use is the test


@checked
def taking(  # noqa: PLR0913 - one of each kind
    number: int | None = None,
    share: float = 0.5,
    place: str | Path = "",
    several: Sequence[int] = (),
    named: Mapping[str, Sequence[float]] | None = None,
    *,
    yes: bool = False,
) -> tuple[object, ...]:
    """Take some of everything."""
    return (number, share, place, several, named, yes)


@pytest.mark.parametrize(
    "given",
    [
        {"number": 3},
        {"number": None},
        {"share": 1},
        {"place": Path("x")},
        {"several": {1, 2}},
        {"several": range(3)},
        {"named": {"a": (1, 2.5)}},
        {"yes": True},
    ],
    ids=str,
)
def test_what_an_annotation_allows_is_passed_on(given: dict[str, Any]) -> None:
    assert set(map(str, given.values())) <= set(map(str, taking(**given)))


@pytest.mark.parametrize(
    "given",
    [
        {"number": "3"},
        {"number": True},
        {"number": 2.5},
        {"share": "0.5"},
        {"place": b"x"},
        {"several": "12"},
        {"several": [1, "2"]},
        {"several": 3},
        {"named": {"a": 1}},
        {"named": {1: (1,)}},
        {"named": ["a"]},
        {"yes": 1},
    ],
    ids=str,
)
def test_what_it_excludes_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(given))):
        taking(**given)


def test_numbers_and_arrays_of_numpy_are_numbers_and_sequences() -> None:
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    given = {"number": numpy.int64(3), "share": numpy.float32(0.5), "several": numpy.arange(3)}
    assert taking(**given)[0] == 3
