"""What the measuring commands share: find the app, measure it, save what was found."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.cli import _console, _options
from lpbench.errors import (
    AmbiguousEngineError,
    AppError,
    LpbenchError,
    NotInstalledError,
    ResultError,
    UnavailableEngineError,
    UnknownNameError,
    nearest,
)
from lpbench.results import files, store
from lpbench.results.model import INTERRUPTED
from lpbench.util import interrupts
from lpbench.util.paths import is_path, no_such_file, similar, usable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

    from lpbench.app.model import App
    from lpbench.results.journal import Journal
    from lpbench.results.model import Result
    from lpbench.results.settings import RunSettings


def refuse(*paths: Path | None, overwrite: bool) -> None:
    """Raise before anything is measured where the outcome could not be written.

    :raises ResultError: A file exists, or its folder is not there or not writable.
    """
    for path in filter(None, paths):
        usable(path, ResultError)
        files.refuse_existing(path, overwrite=overwrite)
        if not path.parent.is_dir():
            raise ResultError(
                f"the folder {path.parent} does not exist", where=str(path), hint=f"mkdir -p {path.parent}"
            )
        if not os.access(path.parent, os.W_OK):
            raise ResultError(
                f"the folder {path.parent} is not writable", where=str(path), hint="choose another folder"
            )


def find_app(word: str, options: argparse.Namespace, *outputs: Path | None) -> App:
    """Return the app that a word names: a folder, a model file, or a catalogue entry, which is pulled if need be.

    :param outputs: Files to be written: a link in the app's folder must not lead them elsewhere.
    :raises LpbenchError: It is none of these, with the nearest name.
    """
    from lpbench.app import resolve
    from lpbench.app.files import refuse_leading_out

    path = usable(word, AppError)
    if not path.exists() and is_path(word):
        raise no_such_file(path, AppError, what="file or folder")
    if options.ranges and not path.is_file():
        raise LpbenchError(
            "--range is for the synthetic inputs of a bare model",
            where=word,
            hint="an app's ranges are set in its ai_app_config.json",
        )
    place = path if path.exists() else _from_catalogue(word)
    app = resolve.resolve(place, shapes=dict(options.shapes), ranges=dict(options.ranges), seed=options.seed)
    for path in filter(None, outputs):
        refuse_leading_out(app.root, path)
    return app


class Output(NamedTuple):
    """Where a result is written beside the saved ones.

    :param result: As JSON.
    :param predictions: As text.
    :param overwrite: Whether files that are there may be replaced.
    """

    result: Path | None
    predictions: Path | None
    overwrite: bool


def measure(app: App, options: argparse.Namespace, command: str, output: Output) -> tuple[Result, Saved]:
    """Measure an app as the options say, with progress on standard error, and save what is found.

    :param command: The words that measure it, to which an engine can be added.
    """
    from lpbench.results.settings import RunSettings

    try:
        return carry_out(app, RunSettings.of(_options.arguments(options, app)), output)
    except (AmbiguousEngineError, UnavailableEngineError) as error:
        commands = [f"  lpbench {command} --engine {name}" for name in error.ready]
        error.hint = "\n  ".join(filter(None, (error.hint, *commands)))
        raise


def carry_out(app: App, settings: RunSettings, output: Output) -> tuple[Result, Saved]:
    """Measure and save: signals that come meanwhile end the measuring, and are heeded when it is saved."""
    from lpbench.cli._progress import live
    from lpbench.jobs.measuring import session

    saved = Saved()
    with store.begin() as journal:
        with live() as progress:
            result = session.measure(app, settings, progress=progress, journal=journal)
        saved.write(result, journal, output)
    interrupts.release()
    return result, saved


class Saved:
    """Where a result was written, and what went wrong with it: what was measured is shown in any case."""

    def __init__(self) -> None:
        self.places: list[Path] = []
        self.errors: list[LpbenchError] = []
        self.notes: list[str] = []
        self.reason = ""

    def write(self, result: Result, journal: Journal, output: Output) -> None:
        """Write the result to the store and where else it was asked for; not what holds no sample since Ctrl-C."""
        if not store.worth_keeping(result):
            journal.discard()
            self.reason = ": interrupted before the first sample was timed"
            return
        self._try(lambda: store.keep(result, journal, tell=self.notes.append))
        place, predictions, overwrite = output
        if place is not None:
            self._try(lambda: result.save(place, overwrite=overwrite))
        if predictions is not None:
            self._try(lambda: files.write(blocks(result), predictions, overwrite=overwrite))

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Say on standard error what could not be written, and where the result is if what shows it cannot."""
        try:
            yield
            _console.answers().flush()
        except (OSError, KeyboardInterrupt):
            self.report()
            if self.places:
                _console.say(f"saved {self.listed()}")
            raise
        self.report()

    def listed(self) -> str:
        return " and ".join(map(str, self.places))

    def report(self) -> None:
        """Say on standard error what could not be written."""
        for error in self.errors:
            _console.complain(error)
        for note in self.notes:
            _console.say(f"note: {note}")

    def _try(self, write: Any) -> None:
        try:
            self.places.append(write())
        except LpbenchError as error:
            self.errors.append(error)


def status(result: Result, saved: Saved) -> int:
    """Return the exit status of a benchmark that came to its end."""
    from lpbench.results.quality import failed_metrics

    if result.state == INTERRUPTED or interrupts.requested():
        return interrupts.status()
    if not any(each.measured for each in result.configurations):
        return _console.NOTHING
    if saved.errors:
        return _console.WRONG
    return _console.FAILED if any(map(failed_metrics, result.configurations)) else _console.DONE


def blocks(result: Result) -> str:
    """Return each sample's prediction as a block of text."""
    from lpbench.render.predictions import prediction
    from lpbench.results.names import names_of

    named = zip(names_of(result.configurations), result.configurations, strict=True)
    engines = [(name, each) for name, each in named if each.predictions]
    lines: list[str] = []
    for name, each in engines:
        lines += [f"== {name}"] if len(engines) > 1 else []
        lines += [line for one in each.predictions for line in prediction(one)]
    return "".join(f"{line}\n" for line in lines)


def refuse_missing(word: str, entries: Collection[str]) -> None:
    """Raise for a catalogue entry whose plugin is not installed, and for any word where there is no catalogue.

    :param entries: The names in the catalogue.
    :raises UnknownNameError: The hint says what brings it.
    """
    from lpbench.plugin.registry import APPS, current

    try:
        current().get(APPS, word)
    except NotInstalledError:
        raise
    except UnknownNameError as error:
        if not entries and not similar(Path(word)):
            what = f'there is no app, model file or catalogue entry "{word}"'
            raise UnknownNameError(what, hint=f"{error.hint} (lpbench apps lists the catalogue)") from error


def _from_catalogue(word: str) -> Path:
    from lpbench.app import catalogue

    pulled = catalogue.find(word)
    if pulled is not None:
        return pulled
    entries = catalogue.entries()
    if word not in entries:
        refuse_missing(word, entries)
        raise AppError(
            f'there is no app, model file or catalogue entry "{word}"',
            hint=f"{nearest(word, [*entries, *map(str, filter(None, [similar(Path(word))]))])} "
            "(lpbench apps lists the catalogue)",
        )
    _console.say(f"{word} is not in the cache yet: fetching it, once")
    from lpbench.cli.pull import Lines

    lines = Lines()
    try:
        return catalogue.pull(word, progress=lines)
    finally:
        lines.close()


def announce(saved: Saved, following: str, stream: Any = None) -> None:
    """Print where the result is and what to type next.

    :param following: A command, in which ``{result}`` stands for the saved result.
    """
    stream = stream or _console.answers()
    paint = _console.painter(stream)
    line = f"saved {saved.listed()}" if saved.places else f"not saved{saved.reason}"
    _console.write(stream, paint(line, "dim"))
    if saved.places:
        result = shlex.quote(str(saved.places[0])) if saved.notes or saved.errors else store.LAST
        _console.write(stream, paint(f"next: {following.format(result=result)}", "dim"))
