"""``lpbench validate``: report every error in AI apps, and in published data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.cli import _console
from lpbench.errors import AppError, nearest
from lpbench.util.paths import is_path, no_such_file, usable
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from lpbench.util.problems import Problem

MOST = 100
"""Problems of one app that are printed; a config of a few megabytes can have hundreds of thousands."""
EPILOG = """\
examples:
  lpbench validate my-app
  lpbench validate my-app --load
  lpbench validate --all --json
  lpbench validate published/imagenet_rpi4.csv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Print every error in AI apps: the file, the place in it, what was found and what is expected. "
        "What a model alone knows is checked with --load. Published data (a .csv, its .json or a folder of such pairs) "
        "is checked for its format and its known faults. Exit status 0 if nothing is wrong, else 2."
    )
    parser.epilog = EPILOG
    parser.add_argument(
        "apps", nargs="*", metavar="APP", help="an app's folder or config, a pulled catalogue entry, or published data"
    )
    parser.add_argument("--all", action="store_true", help="check every pulled catalogue entry")
    parser.add_argument(
        "--load", action="store_true", help="load each app on the engine that run would take, and run one sample"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(options: argparse.Namespace) -> int:
    """Check every app; return 0 if none has an error."""
    by_app = {app: _validated(app, folder, load=options.load) for app, folder in _requested(options).items()}
    if options.json:
        _console.answer_json([_record(app, problems) for app, problems in by_app.items()])
    else:
        for app, problems in by_app.items():
            _report(app, problems)
    return _console.DONE if all(map(_runnable, by_app.values())) else _console.WRONG


def _validated(app: str, folder: Path, *, load: bool) -> list[Problem]:
    from lpbench.jobs.validation import validate

    if load:
        _console.say(f"loading {app} and running one sample")
    return validate(folder, load=load)


def _requested(options: argparse.Namespace) -> dict[str, Path]:
    """Return the folders of the apps to check, by the names given on the command line.

    :raises AppError: There are none.
    """
    from lpbench.app import catalogue

    folders = {app: locate(app) for app in options.apps}
    if options.all:
        entries = catalogue.entries().values()
        folders.update({entry.name: entry.folder for entry in entries if entry.folder and not entry.outdated})
    if not folders:
        raise AppError(
            "no catalogue entry has been pulled" if options.all else "no app given",
            hint="lpbench pull --all" if options.all else "--all checks every pulled entry",
        )
    return folders


def locate(app: str) -> Path:
    """Return the folder of an app, given its path or its catalogue name.

    :raises AppError: It is neither, or the entry has not been pulled.
    """
    from lpbench.app import catalogue

    path = usable(app, AppError)
    if path.exists():
        return path
    if is_path(app):
        raise no_such_file(path, AppError, what="file or folder")
    folder = catalogue.find(app)
    if folder is not None:
        return folder
    names = catalogue.entries()
    if app in names:
        raise AppError(f'catalogue entry "{app}" has not been pulled', hint=f"lpbench pull {app}")
    from lpbench.cli._measure import refuse_missing

    refuse_missing(app, names)
    raise AppError(
        f'there is no app "{app}"', hint=nearest(app, names) if names else "give the path of an app's folder"
    )


def _runnable(problems: list[Problem]) -> bool:
    return all(problem.note for problem in problems)


def _report(app: str, problems: list[Problem]) -> None:
    for problem in problems[:MOST]:
        _console.answer(*map(clean, str(problem).split("\n")))
    if len(problems) > MOST:
        _console.answer(f"… {len(problems) - MOST} more, all with --json")
    errors = sum(not problem.note for problem in problems)
    _console.answer(f"{app}: {amount(errors, 'error') if errors else 'ok'}")


def _record(app: str, problems: list[Problem]) -> dict[str, object]:
    return {"app": app, "ok": _runnable(problems), "problems": [dataclasses.asdict(problem) for problem in problems]}
