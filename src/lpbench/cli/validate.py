"""``lpbench validate``: everything that is wrong with AI apps."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.errors import AppError, nearest
from lpbench.util.text import clean

if TYPE_CHECKING:
    import argparse

    from lpbench.util.problems import Problem

EPILOG = """\
examples:
  lpbench validate my-app
  lpbench validate --all --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Print everything that is wrong with AI apps: file, place in it, what was found and what is right. "
        "Exit status 0 if all are fit to run, else 2."
    )
    parser.epilog = EPILOG
    parser.add_argument("apps", nargs="*", metavar="APP", help="an app's folder or config, or a pulled catalogue entry")
    parser.add_argument("--all", action="store_true", help="every catalogue entry that is pulled")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(options: argparse.Namespace) -> int:
    """Check every app; 0 if none has an error."""
    from lpbench.app.check import validate

    found = {app: validate(folder) for app, folder in _wanted(options).items()}
    if options.json:
        _console.answer_json([_record(app, problems) for app, problems in found.items()])
    else:
        for app, problems in found.items():
            _report(app, problems)
    return _console.DONE if all(map(_fit, found.values())) else _console.WRONG


def _wanted(options: argparse.Namespace) -> dict[str, Path]:
    """Return the folders of the apps to check, by the names that they were given.

    :raises AppError: There is none.
    """
    from lpbench.app import catalogue

    found = {app: locate(app) for app in options.apps}
    if options.all:
        listed = catalogue.entries().values()
        found.update({each.name: each.folder for each in listed if each.folder and not each.outdated})
    if not found:
        raise AppError(
            "no catalogue entry is pulled" if options.all else "no app named",
            hint="lpbench pull --all" if options.all else "--all takes every entry that is pulled",
        )
    return found


def locate(app: str) -> Path:
    """Return the folder of an app that was named by its path or by its catalogue name.

    :raises AppError: There is neither.
    """
    from lpbench.app import catalogue

    path = Path(app)
    if path.exists():
        return path
    found = catalogue.find(app)
    if found is not None:
        return found
    names = catalogue.entries()
    if app in names:
        raise AppError(f'catalogue entry "{app}" is not pulled', hint=f"lpbench pull {app}")
    raise AppError(
        f'there is no app "{app}"', hint=nearest(app, names) if names else "give the path of an app's folder"
    )


def _fit(problems: list[Problem]) -> bool:
    return all(each.note for each in problems)


def _report(app: str, problems: list[Problem]) -> None:
    for each in problems:
        print("\n".join(map(clean, str(each).split("\n"))))
    errors = sum(not each.note for each in problems)
    print(f"{app}: {'ok' if not errors else '1 error' if errors == 1 else f'{errors} errors'}")


def _record(app: str, problems: list[Problem]) -> dict[str, object]:
    return {"app": app, "ok": _fit(problems), "problems": [dataclasses.asdict(each) for each in problems]}
