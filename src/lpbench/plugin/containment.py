"""Runs plugins' code in this process so that the process is afterwards as it was."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGCHLD", "SIGALRM", "SIGQUIT", "SIGUSR1", "SIGUSR2")


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Put back what a plugin changes of the process while it is imported or lists what it offers.

    That is: working directory, environment variables, locale, signal handlers, warning filters, standard streams and
    the way in which ``multiprocessing`` starts processes.  Meanwhile Python's ``print`` goes to standard error.
    Folders that a plugin adds to the search path stay, after those that were there.
    """
    import locale
    import warnings

    streams = sys.stdin, sys.stdout, sys.stderr
    folder, variables, handlers, start = _folder(), dict(os.environ), _handlers(), _start_method()
    language = locale.setlocale(locale.LC_ALL)
    path, entries = sys.path, list(sys.path)
    with warnings.catch_warnings():
        if sys.stderr is not None:
            sys.stdout = sys.stderr
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            _restore_path(path, entries)
            _restore_folder(folder)
            _restore_variables(variables)
            _restore_handlers(handlers)
            if locale.setlocale(locale.LC_ALL) != language:
                locale.setlocale(locale.LC_ALL, language)
            if _start_method() != start:
                sys.modules["multiprocessing"].set_start_method(start, force=True)


def _restore_path(path: list[str], entries: Sequence[str]) -> None:
    """Put the search path back as the list that it was, so that what is added shadows nothing."""
    if sys.path is not path or path != entries:
        added = [entry for entry in sys.path if entry not in entries] if isinstance(sys.path, list) else []
        path[:] = [*entries, *added]
        sys.path = path


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib costs more, and this is asked at each start
    except OSError:  # it was deleted
        return ""


def _restore_folder(folder: str) -> None:
    if folder and _folder() != folder:
        with contextlib.suppress(OSError):
            os.chdir(folder)


def _restore_variables(variables: Mapping[str, str]) -> None:
    if dict(os.environ) != variables:
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)


def _handlers() -> dict[int, Any]:
    """Return the handlers of signals; None for those that are not Python's."""
    signal = _signal()
    numbers = (getattr(signal, name) for name in SIGNALS if hasattr(signal, name))
    return {number: signal.getsignal(number) for number in numbers}


def _restore_handlers(handlers: Mapping[int, Any]) -> None:
    signal = _signal()
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            with contextlib.suppress(ValueError):  # not the main thread, which alone may set them
                signal.signal(number, handler)


def _signal() -> Any:
    """Return the module ``signal``, or what it wraps: importing it costs more than everything else here."""
    import importlib

    return sys.modules.get("signal") or sys.modules.get("_signal") or importlib.import_module("signal")


def _start_method() -> str | None:
    """Return how ``multiprocessing`` starts processes; None where nobody has chosen."""
    module = sys.modules.get("multiprocessing")
    method: str | None = module.get_start_method(allow_none=True) if module else None
    return method
