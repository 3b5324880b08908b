"""The sides of a live comparison: apps and engines as the command line names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.cli import _measure
from lpbench.cli._parser import UsageError
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from lpbench.app.model import App


def take_sides(options: argparse.Namespace, output: Path | None) -> App:
    """Return the first app, and put what each side runs into ``options.engine``: ``onnxruntime:app=after``.

    One engine runs every app, and one app runs on every engine; several of both are paired in their order.

    :raises LpbenchError: An app is not found, or their number does not fit that of the engines.
    """
    words = [*filter(None, (options.live,)), *(options.app or ())]
    if not words:
        raise UsageError("no app is named", hint="lpbench compare --live APP …, or --app BEFORE --app AFTER")
    first, *others = (_measure.find_app(word, options, output) for word in words)
    if others:
        engines = _engines(options.engine, [first, *others])
        options.engine = [engines[0], *map(_with_app, engines[1:], words[1:])]
    return first


def _engines(asked: list[str] | None, apps: list[App]) -> list[str]:
    """Return an engine for each app."""
    from lpbench.app.default_engine import default_engines
    from lpbench.jobs.engine_choice import ALL

    if not asked:
        return [default_engines(app)[app.components[0].name].spec.name for app in apps]
    if ALL in asked or len(asked) not in {1, len(apps)}:
        what = f"{len(apps)} apps and {'all engines' if ALL in asked else f'{len(asked)} engines'}"
        raise LpbenchError(
            what, where="--engine", hint="name one engine for all apps, or one for each app in their order"
        )
    return asked * len(apps) if len(asked) == 1 else asked


def _with_app(engine: str, word: str) -> str:
    if ":" in word:
        raise LpbenchError(
            "the path of an app that is compared with another has no colon", where=word, hint="rename it"
        )
    return f"{engine}:app={word}"
