"""Argument parsing that answers a mistyped word with the nearest one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from lpbench.errors import LpbenchError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence


class UsageError(LpbenchError):
    """The command line is not understood."""


class Parser(argparse.ArgumentParser):
    """A parser of one command, whose errors are ours.

    :param name: The command, ``run`` say.
    """

    def __init__(self, name: str) -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=f"lpbench {name}", formatter_class=form, allow_abbrev=False)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the options.

        :raises UsageError: Naming the word that is wrong and the nearest right one.
        """
        self._refuse_unknown(words)
        options, rest = self.parse_known_args(words)
        if rest:
            self.error(f'unexpected "{rest[0]}"')
        return options

    def defaults(self) -> dict[str, Any]:
        """Return what each option is where nobody says anything, by its name in the options."""
        return {action.dest: action.default for action in self._actions}  # argparse has no public name for it

    def format_help(self) -> str:
        """Return the page of help: the description in lines that fit, the examples as they are."""
        import shutil
        import textwrap

        self.description = textwrap.fill(self.description or "", shutil.get_terminal_size().columns - 2)
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong instead of printing a page of usage and leaving."""
        raise UsageError(message, hint=f"{self.prog} --help shows what is right")

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        """Refuse unknown options first: argparse would complain about what is missing because of them."""
        known = self._option_string_actions  # argparse has no public name for it
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in known:
                what = f"unknown option {name}"
                hint = nearest(name, [each for each in known if each.startswith("--")])
                raise UsageError(what, hint=f"{hint} ({self.prog} --help lists them)")
