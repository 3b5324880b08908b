"""Argument parsing that suggests the nearest option for a mistyped one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lpbench.cli import _console
from lpbench.errors import LpbenchError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence


class UsageError(LpbenchError):
    """The command line is invalid."""


class Option(NamedTuple):
    """An option: its name among the parsed ones, what a user types, and its value where nobody does."""

    name: str
    flag: str
    default: Any


class Parser(argparse.ArgumentParser):
    """The parser of one command, which raises ``UsageError``.

    :param name: The command, for example ``run``.
    """

    def __init__(self, name: str) -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=f"lpbench {name}", formatter_class=form, allow_abbrev=False)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the options.

        :raises UsageError: A word is invalid; the error suggests the nearest option.
        """
        self._refuse_unknown(words)
        options, rest = self.parse_known_args(words)
        if rest:
            self.error(f'unexpected argument "{rest[0]}"')
        return options

    def options(self) -> list[Option]:
        """Return the options, without the positional arguments."""
        actions = [action for action in self._actions if action.option_strings]  # argparse has no public name for it
        return [Option(action.dest, action.option_strings[-1], action.default) for action in actions]

    def format_help(self) -> str:
        """Return the help: the description wrapped to the terminal, the examples unchanged."""
        import shutil
        import textwrap

        self.description = textwrap.fill(self.description or "", shutil.get_terminal_size().columns - 2)
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Print the help as the command's answer."""
        _console.answer(*self.format_help().rstrip("\n").split("\n"))

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and exiting."""
        raise UsageError(message, hint=f"{self.prog} --help shows the usage")

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        """Report unknown options first: argparse would report the missing arguments that result from them."""
        known = self._option_string_actions  # argparse has no public name for it
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in known:
                hint = nearest(name, [option for option in known if option.startswith("--")])
                raise UsageError(f"unknown option {name}", hint=f"{hint} ({self.prog} --help lists them)")
