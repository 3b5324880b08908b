"""The configurations of an algorithm: every combination of its values, or some of them as a Latin hypercube."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from lpbench.errors import ConfigError, either, nearest
from lpbench.jobs.sweep._plan import MOST_CONFIGURATIONS
from lpbench.jobs.sweep._product import points
from lpbench.jobs.sweep._queue import Entry
from lpbench.results.sweep import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.jobs.sweep._algorithm import SweptAlgorithm
    from lpbench.jobs.sweep._plan import SweepPlan
    from lpbench.plugin.algorithm import Value, Variable

LEVELS = 1_000
"""Whole numbers of a range that are all levels; a longer one is cut as those of other numbers are."""


def entries(algorithm: SweptAlgorithm, plan: SweepPlan) -> list[Entry]:
    """Return every configuration of a plan, with the block that measures it.

    :raises ConfigError: A value is none of the algorithm's, or there are more than can be measured.
    """
    return in_blocks(enumerate(_configurations(algorithm, plan), 1), plan.block)


def in_blocks(asked: Iterable[tuple[int, Asked]], most: int) -> list[Entry]:
    """Return numbered configurations in blocks of some."""
    return [Entry(number, each, words_of(each), 1 + at // most) for at, (number, each) in enumerate(asked)]


def words_of(asked: Asked) -> str:
    """Return a configuration in words: ``var_0=12:var_1=4``."""
    return ":".join(f"{name}={value}" for name, value in asked.values.items())


def _configurations(algorithm: SweptAlgorithm, plan: SweepPlan) -> list[Asked]:
    variables = algorithm.signature.variables
    names = [each.name for each in variables]
    for name in plan.values:
        if name not in names:
            raise ConfigError(f'{algorithm.name} has no "{name}"', where="values", hint=nearest(name, names))
    levels = [_levels(each, plan) for each in variables]
    sizes = [len(each) for each in levels]
    count = min(plan.sample or math.prod(sizes), math.prod(sizes))
    if count > MOST_CONFIGURATIONS:
        what = f"{algorithm.name} has {count} configurations; a sweep measures at most {MOST_CONFIGURATIONS}"
        raise ConfigError(what, hint=f"draw some of them: {either('--sample 200', 'sample=200')}")
    return [_asked(algorithm.name, names, levels, point) for point in points(sizes, plan.sample, plan.seed)]


def _asked(app: str, names: Sequence[str], levels: Sequence[Sequence[Value]], point: Sequence[int]) -> Asked:
    chosen: Mapping[str, Value] = {name: level[at] for name, level, at in zip(names, levels, point, strict=True)}
    return dataclasses.replace(Asked(app), values=chosen)


def _levels(variable: Variable, plan: SweepPlan) -> Sequence[Value]:
    """Return the values of one variable that a plan sweeps."""
    if given := plan.values.get(variable.name):
        return _read(variable, given)
    if variable.values:
        return variable.values
    if variable.type == "bin":
        return (0, 1)
    assert variable.lower is not None  # noqa: S101 - a range without values has both ends
    assert variable.upper is not None  # noqa: S101 - likewise
    lower, upper = variable.lower, variable.upper
    if variable.type == "int" and upper - lower < LEVELS:
        return range(int(lower), int(upper) + 1)
    if plan.sample is None:
        words = either(f"--values {variable.name}=…, or --sample 200", f'values={{"{variable.name}": […]}} or sample')
        raise ConfigError(f'"{variable.name}" reaches from {lower} to {upper}', hint=f"say which values: {words}")
    return _cut(lower, upper, plan.sample, whole=variable.type == "int")


def _read(variable: Variable, given: Sequence[Value]) -> list[Value]:
    try:
        values = [variable.read(value) for value in given]
    except ValueError as error:
        raise ConfigError(str(error), where="values") from error
    twice = next((value for at, value in enumerate(values) if value in values[:at]), None)
    if twice is not None:
        raise ConfigError(f'"{variable.name}" has {twice} twice', where="values", hint="name each once")
    return values


def _cut(lower: float, upper: float, parts: int, *, whole: bool) -> list[Value]:
    """Return equally spaced values of a range, its ends among them."""
    step = (upper - lower) / max(1, parts - 1)
    values = [min(upper, lower + at * step) for at in range(parts)]
    return list(dict.fromkeys(map(round, values))) if whole else list(dict.fromkeys(map(float, values)))
