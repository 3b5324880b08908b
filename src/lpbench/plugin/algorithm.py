"""The contract of an algorithm that a sweep measures: what it is set to, what it works on, what it answers with.

An algorithm runs in a worker of its own for each run of a configuration, with limits of time and memory, so that one
that crashes, hangs or grows costs its row alone.  lpbench measures ``TIME`` and ``MEMORY``; everything else that says
how good an answer is comes from the algorithm.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lpbench.util.text import brief

Value = int | float | str
Values = Mapping[str, Value]
"""What a configuration sets, by the names of its hyper-parameters and inputs."""
LONGEST = 100
"""Characters of a name."""
MOST = 200
"""Names of an algorithm."""
MOST_INSTANCES = 10_000
INSTANCE = "instance"
"""What functions and commands call the number of an instance by."""
RESERVED = frozenset({"APP", "BARRED", "CONFIGURATION", "PLATFORM", "PRICE", "REASON", "REPEATS", "STATE"})
"""Columns that tables have beside those of an algorithm."""
ENDS = ("_LOWER", "_UPPER")
"""Endings of columns with the ends of intervals."""


def _refuse_name(name: str) -> None:
    odd = set('=,:{}"') & set(name)
    taken = name in RESERVED or name == INSTANCE or name.endswith(ENDS)
    if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST or odd or taken:
        raise ValueError(f"{brief(name)} cannot be the name of a column")


@dataclass(frozen=True)
class Variable:
    """A hyper-parameter, or an input on which time, memory or quality depend.

    :param name: As columns, command lines and plan files have it.
    :param type: ``bin`` is 0 or 1.
    :param lower: Least value, needed for numbers without ``values``.
    :param upper: Greatest value, likewise.
    :param values: All values that it takes; empty for the whole range.
    :param doc: One line, with the unit.
    :raises ValueError: The name, the range or a value is none.
    """

    name: str
    type: Literal["int", "float", "bin", "str"] = "int"
    lower: int | float | None = None
    upper: int | float | None = None
    values: tuple[Value, ...] = ()
    doc: str = ""

    def __post_init__(self) -> None:
        _refuse_name(self.name)
        if not self.values and self.type == "str":
            raise ValueError(f'"{self.name}" is a word and needs values')
        if not self.values and self.type != "bin":
            self._refuse_range()
        for value in self.values:
            self.read(value)

    def read(self, value: Value) -> Value:
        """Return a value in this variable's type; a text from a command line will do.

        :raises ValueError: It is of another type, or outside the range.
        """
        found: Value = str(value) if self.type == "str" else self._number(value)
        if isinstance(found, str):
            problem = "" if found and found.isprintable() else "no word"
        else:
            problem = "" if self._inside(found) else f"outside {self.lower} to {self.upper}"
        if problem or (self.values and found not in self.values):
            expected = problem or f"none of {', '.join(map(str, self.values))}"
            raise ValueError(f'"{self.name}": found {brief(value)}, {expected}')
        return found

    def _number(self, value: Value) -> int | float:
        try:
            number = float(value)
            whole = int(value) if isinstance(value, (int, str)) and self.type != "float" else int(number)
        except (ValueError, OverflowError):  # no number, NaN, or infinite
            number, whole = math.nan, 0
        fits = math.isfinite(number) and (self.type == "float" or whole == number)
        if not fits or (self.type == "bin" and whole not in {0, 1}):
            kind = {"int": "whole number", "float": "finite number", "bin": "0 and no 1"}[self.type]
            raise ValueError(f'"{self.name}": found {brief(value)}, no {kind}')
        return number if self.type == "float" else whole

    def _inside(self, number: float) -> bool:
        return (self.lower is None or self.lower <= number) and (self.upper is None or number <= self.upper)

    def _refuse_range(self) -> None:
        ends = (self.lower, self.upper)
        if self.lower is None or self.upper is None or not all(end is not None and math.isfinite(end) for end in ends):
            raise ValueError(f'"{self.name}" needs values, or a lower and an upper end')
        if self.lower > self.upper or (self.type == "int" and any(end != int(end) for end in (self.lower, self.upper))):
            raise ValueError(f'"{self.name}" reaches from {self.lower} to {self.upper}, which is no range')


@dataclass(frozen=True)
class Target:
    """What is measured of a configuration.

    :param name: As columns have it.
    :param unit: Empty for pure numbers.
    :param best: Which values are the better ones; empty where that cannot be said.
    :param doc: One line.
    :raises ValueError: The name is none.
    """

    name: str
    unit: str = ""
    best: Literal["lowest", "highest", ""] = ""
    doc: str = ""

    def __post_init__(self) -> None:
        _refuse_name(self.name)


TIME = Target("time", "s", "lowest", "wall time of one run")
MEMORY = Target("memory", "MB", "lowest", "peak of the memory that one run takes")
MEASURED = (TIME, MEMORY)
"""Targets that lpbench measures itself."""


@dataclass(frozen=True)
class Signature:
    """What an algorithm is set to, works on and answers with.

    :param targets: Those that the algorithm states itself, beside ``TIME`` and ``MEMORY``.
    :param instances: Instances of its input on which every configuration runs, numbered from 0.
    :raises ValueError: A name stands twice, or there is nothing to set.
    """

    hyperparameters: tuple[Variable, ...] = ()
    inputs: tuple[Variable, ...] = ()
    targets: tuple[Target, ...] = ()
    instances: int = 1

    def __post_init__(self) -> None:
        if not self.variables:
            raise ValueError("there are no hyper-parameters and no inputs")
        names = [each.name for each in self.variables] + [each.name for each in (*MEASURED, *self.targets)]
        twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            raise ValueError(f'"{twice}" is the name of two columns')
        if len(names) > MOST or not 1 <= self.instances <= MOST_INSTANCES:
            raise ValueError(f"at most {MOST} columns and 1 to {MOST_INSTANCES} instances can be measured")

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What a configuration sets, in the order of published tables."""
        return (*self.inputs, *self.hyperparameters)


class Algorithm(abc.ABC):
    """An algorithm; a worker makes one without arguments, and runs one configuration with it."""

    def prepare(self, values: Values, instance: int) -> Any:
        """Return what ``run`` works on; it is not timed.

        :param values: Of the hyper-parameters and inputs.
        :param instance: From 0; the same number is the same instance in every process.
        """
        return instance

    @abc.abstractmethod
    def run(self, values: Values, prepared: Any) -> Any:
        """Do the work, which is timed, and return its answer.

        :param prepared: What ``prepare`` returned; it is used once.
        """

    def judge(self, values: Values, prepared: Any, answer: Any) -> Mapping[str, float | None]:
        """Return the targets of the signature by name, as finite numbers; it is not timed.

        None says that a target is not defined for this answer.
        """
        return {}
