"""Which configurations of two results are compared with each other, and which have no counterpart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.util.text import clean, first_line

if TYPE_CHECKING:
    from lpbench.results.model import Configuration, Result


@dataclass(frozen=True)
class Unpaired:
    """A configuration that only one of two results measured, so that there is no verdict on it.

    :param first: What the reference holds of it, ``second`` what the other result does; None where nobody asked for it.
    """

    first: Configuration | None
    second: Configuration | None

    @property
    def lost(self) -> bool:
        """Whether the reference has it, and the other result was to have it: it failed since."""
        return self.second is not None and not self.second.measured

    def ended(self) -> tuple[str, str]:
        """Return in words how it ended in the first and in the second result."""
        return _ended(self.first), _ended(self.second)


def pairs(first: Result, second: Result) -> list[tuple[Configuration, Configuration]]:
    """Return the configurations to compare: the only ones measured, or those of several that have the same name."""
    ones, others = ([each for each in result.configurations if each.measured] for result in (first, second))
    if len(ones) == len(others) == 1:
        return [(ones[0], others[0])]
    by_name = second.by_name()  # of all: what one is called does not depend on how the others ended
    found = [(one, by_name.get(name)) for name, one in first.by_name().items() if one.measured]
    return [(one, other) for one, other in found if other is not None and other.measured]


def unpaired(first: Result, second: Result) -> dict[str, Unpaired]:
    """Return by name the configurations that only one of two results measured and that are compared with no other."""
    paired = {id(each) for pair in pairs(first, second) for each in pair}
    ones, others = first.by_name(), second.by_name()
    found = {name: Unpaired(ones.get(name), others.get(name)) for name in dict.fromkeys((*ones, *others))}
    return {name: each for name, each in found.items() if _alone(each, paired)}


def _alone(each: Unpaired, paired: set[int]) -> bool:
    measured = [one for one in (each.first, each.second) if one and one.measured]
    return len(measured) == 1 and id(measured[0]) not in paired


def _ended(each: Configuration | None) -> str:
    if each is None:
        return "not asked for"
    if each.measured:
        return "measured"
    return f"not measured ({clean(first_line(each.outcome.detail) or first_line(each.state))})"
