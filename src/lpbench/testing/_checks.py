"""Building blocks of checks; a check is a function that raises if its subject breaks the contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.errors import LpbenchError


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
    """The check does not apply; the message gives the reason."""


class NotReady(NotApplicable):
    """The library is not installed or not usable."""


class Failed(Exception):  # noqa: N818 - an outcome, not an error
    """The contract is broken; the message says how."""


Function = Callable[[Any], None]
Sections = Mapping[str, tuple[Function, ...]]
"""Checks by section, in the order in which they run."""


@dataclass(frozen=True)
class Check:
    """One check: its name, section, one-line summary and function."""

    name: str
    section: str
    summary: str
    function: Function


def by_name(sections: Sections) -> dict[str, Check]:
    """Return the checks by name; the first line of a function's docstring is its summary."""
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
    """Require that ``call`` raises an lpbench error that names the cause.

    :param doing: Description of the call, for messages.
    :param name: Word that the error's message must contain.
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
    """Return whether a text contains a name as a whole word."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def short(error: BaseException) -> str:
    """Return an error's type and message as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
