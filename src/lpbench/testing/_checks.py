"""What a check is made of: a function of its subject that raises where the contract is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.errors import LpbenchError


class NotApplicable(Exception):  # noqa: N818 - no error: the check has nothing to say here
    """A check does not apply, and why."""


class NotReady(NotApplicable):
    """The library is not there."""


class Failed(Exception):  # noqa: N818 - likewise a verdict
    """The contract is broken, and how."""


Function = Callable[[Any], None]
Sections = Mapping[str, tuple[Function, ...]]
"""Checks by section, in the order in which they run."""


@dataclass(frozen=True)
class Check:
    """One check: its name, its section, what it says in one line and what it runs."""

    name: str
    section: str
    summary: str
    function: Function


def by_name(sections: Sections) -> dict[str, Check]:
    """Return checks by name; a docstring's first line is the summary."""
    return {
        function.__name__: Check(function.__name__, section, str(function.__doc__).splitlines()[0], function)
        for section, functions in sections.items()
        for function in functions
    }


def require(condition: object, what: str) -> None:
    """Fail the check unless ``condition`` is true."""
    if not condition:
        raise Failed(what)


def refused(call: Callable[[], Any], doing: str, name: str, kind: type[LpbenchError]) -> None:
    """Require that ``call`` raises an error of ours that names the culprit.

    :param doing: What the call does, in words.
    :param name: The word that the error must hold.
    """
    try:
        call()
    except kind as error:
        require(named(name, str(error)), f'{doing}: the error does not name "{name}": {short(error)}')
        return
    except Exception as error:
        raise Failed(f"{doing}: raised {short(error)}; expected {kind.__name__}") from error
    raise Failed(f'{doing}: accepted; expected {kind.__name__} naming "{name}"')


def named(name: str, text: str) -> bool:
    """Say whether a text holds a name as a word of its own."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def short(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
