"""The errors that lpbench raises; each names what is wrong, where, and the remedy."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench.util.outcome import RunOutcome


SHOWN = 2_000
"""Characters of a place, a message or a remedy that are shown; ``--debug`` shows all."""


class LpbenchError(Exception):
    """Base of every error that lpbench raises on purpose.

    :param what: What is wrong, naming the thing.
    :param where: The place: a file, a path inside a file, an option.
    :param hint: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return self.shown(SHOWN)

    def shown(self, most: int) -> str:
        """Return place, what is wrong and remedy, each at most about ``most`` characters long.

        They may quote untrusted files and libraries: nothing unprintable is left in them.
        """
        from lpbench.util.text import abridge, clean, paragraph  # for errors only

        place = f"{clean(abridge(self.where, most))}: " if self.where else ""
        remedy = f"\n  {paragraph(self.hint, most)}" if self.hint else ""
        return f"{place}{paragraph(self.what, most)}{remedy}"


class ArgumentError(LpbenchError, TypeError):
    """A function was called with an argument that it does not have, or of a type that it does not take."""


class OutOfRangeError(LpbenchError, ValueError):
    """A function was called with a number that it does not take."""


class EngineError(LpbenchError):
    """An engine refused the model, its config or an input."""


class EngineFaultError(EngineError):
    """An engine raised something that is no error of lpbench's: its plugin let its library's exception through."""


class ChoiceNeededError(EngineError):
    """A model can be run in several ways, and an option of the engine or a shape has to name one."""


class UnavailableEngineError(EngineError):
    """An engine is known and not ready here.

    :param reason: Why.
    :param engine: Its name.
    :param ready: Engines that are ready and read the model, for the user to choose from.
    """

    def __init__(
        self, reason: str, *, engine: str = "", where: str = "", hint: str = "", ready: Sequence[str] = ()
    ) -> None:
        what = f'engine "{engine}" is not ready: {reason}' if engine else reason
        super().__init__(what, where=where, hint=hint)
        self.reason = reason
        self.engine = engine
        self.ready = tuple(ready)


class AmbiguousEngineError(EngineError):
    """Several engines could be the default for a model, so the user has to name one.

    :param ready: Those of them that are ready.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "", ready: Sequence[str] = ()) -> None:
        super().__init__(what, where=where, hint=hint)
        self.ready = tuple(ready)


class ProcessorError(LpbenchError):
    """A pre- or postprocessor refused its config or a sample."""


class ConfigError(LpbenchError):
    """A configuration has an unknown key or a wrong value."""


class AppError(LpbenchError):
    """An AI app is missing, incomplete or contradicts itself."""


class PluginError(LpbenchError):
    """A plugin could not be used."""


class DuplicateNameError(PluginError):
    """Two plugins offer the same name."""


class UnknownNameError(LpbenchError):
    """No plugin offers the requested name."""


class NotInstalledError(UnknownNameError):
    """The name is known, but the plugin that offers it is not installed."""


class PullError(LpbenchError):
    """A catalogue entry could not be fetched or built."""


class ConversionError(LpbenchError):
    """A model could not be converted, or the converted model does not compute what its source does."""


class AnalysisError(LpbenchError):
    """A model's file does not tell what an inference costs: it is damaged, or the shapes do not fit it."""


class DataSheetError(LpbenchError):
    """A file with data sheets of platforms, frameworks or models is wrong, or has no such row or attribute."""


class ResultError(LpbenchError):
    """A result file cannot be read or written."""


class WorkerError(LpbenchError):
    """A worker process ended or stopped answering, or refuses a request that makes no sense."""

    def __init__(self, what: str, *, outcome: RunOutcome | None = None, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        if outcome is None:
            from lpbench.util.outcome import RunOutcome  # on the way out only: start-up does without

            outcome = RunOutcome("failed", detail=what)
        self.outcome = outcome


CALLER = "LPBENCH_CALLER"
"""Variable that says who reads remedies; processes that are started inherit it."""
COMMAND_LINE = "command line"
FLAGS = {"shapes": "--shape", "ranges": "--range", "options": "--set", "monitors": "--monitor"}
"""Options of the command line that are not called like their settings."""


@contextlib.contextmanager
def asked_on_command_line() -> Iterator[None]:
    """Have remedies speak of options and commands; without, they speak of arguments and functions of Python."""
    before = os.environ.get(CALLER)
    os.environ[CALLER] = COMMAND_LINE
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(CALLER, None)
        else:
            os.environ[CALLER] = before


def either(line: str, call: str) -> str:
    """Return words for whoever reads them: of the command line, or of Python."""
    return line if os.environ.get(CALLER) == COMMAND_LINE else call


def setting(name: str, value: str | float | Mapping[str, str] | None = None, *, on: bool = False) -> str:
    """Return a setting as the reader writes it: ``--max-time 5`` on the command line, ``max_time=5`` in Python.

    :param name: As in ``lpbench.RunSettings``.
    :param value: A mapping is from inputs to texts such as ``1,3,224,224``.
    :param on: Whether it is one that is either on or off.
    """
    flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
    if isinstance(value, Mapping):
        import json  # both cost start-up time and are needed only for errors
        import shlex

        line = " ".join(f"{flag} {shlex.quote(f'{key}={each}')}" for key, each in value.items())
        inner = ", ".join(f"{json.dumps(key, ensure_ascii=False)}: [{each}]" for key, each in value.items())
        return either(line, f"{name}={{{inner}}}")
    if value is None:
        return either(flag, f"{name}=True" if on else name)
    shown = value if isinstance(value, str) else f"{value:g}"
    return either(f"{flag} {shown}", f'{name}="{shown}"' if isinstance(value, str) else f"{name}={shown}")


LONGEST = 80
"""Characters up to which names are compared: comparing two takes time by the product of their lengths."""
COMPARED = 1000
"""Names that one is compared with."""
LISTED = 40
"""Names that a remedy lists."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest of ``known``, or lists them if none is near: the first of very many."""
    names = sorted(known)
    close = closest(name, names)
    if close:
        return f'did you mean "{close}"?'
    few = [each if len(each) <= LONGEST else f"{each[:LONGEST]}…" for each in names[:LISTED]]
    more = [f"{len(names) - LISTED} more"] if len(names) > LISTED else []
    return f"known: {', '.join([*few, *more])}" if names else "none are known"


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the nearest of some names, or None if none is near; very long names are near to none."""
    import difflib  # costs start-up time and is needed only for errors

    if len(name) > LONGEST:
        return None
    short = (each for each in known if len(each) <= LONGEST)
    return next(iter(difflib.get_close_matches(name, itertools.islice(short, COMPARED), n=1)), None)
