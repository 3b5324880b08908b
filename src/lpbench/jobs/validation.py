"""Validates an AI app as far as that goes without measuring it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.app import check
from lpbench.app.files import config_file
from lpbench.app.model import load_app
from lpbench.errors import LpbenchError, WorkerError
from lpbench.jobs import engine_choice
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results import exchange
from lpbench.util.arguments import checked
from lpbench.util.problems import Problem, Problems
from lpbench.worker.client import Worker, WorkerOptions, require_processes
from lpbench.worker.fitting import settled
from lpbench.worker.requests import FitProcessors, Predict, RunFirstSample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.app.model import App


@checked
def validate(path: Path | str, *, load: bool = False) -> Problems:
    """Return all problems of the app in a folder, and notes on what could not be checked; of published data likewise.

    The app can run if every problem is a note.  Processors are built, in a worker process, for the tensors that the
    app states; no engine is imported and no model opened, unless ``load`` asks for it.

    :param path: The app's folder, or its config; or a dataset, its descriptor or a folder of such pairs.
    :param load: Load the models on the engine that a run would take, and run one sample.
    """
    if exchange.is_dataset(Path(path)):
        return exchange.problems(Path(path))
    problems = check.validate(path)
    if not _runnable(problems):
        return problems
    app, file = load_app(path), str(config_file(Path(path)))
    problems += _fit(app, file)
    if load and _runnable(problems):
        problems += _trial(app, file)
    return problems


def _runnable(problems: list[Problem]) -> bool:
    return all(problem.note for problem in problems)


def _fit(app: App, file: str) -> Iterator[Problem]:
    """Yield what processors refuse of the tensors and labels that the app states."""
    models = [model for component in app.components for model in component.models]
    if not any(settled(tensors) for model in models for tensors in (model.inputs, model.outputs)):
        return
    try:
        require_processes()
    except LpbenchError as error:
        yield Problem("", f"the processors were not built: {error.what}", "", file, note=True)
        return
    try:
        with Worker(WorkerOptions()) as worker:
            refusals = worker.request(FitProcessors(app.request()))
    except WorkerError as error:
        yield Problem("", f"the processors could not be built: {error.outcome}", error.hint, file)
        return
    for refusal in refusals:
        yield Problem(refusal["place"], refusal["what"], refusal["hint"], file)


def _trial(app: App, file: str) -> Iterator[Problem]:
    """Load the app as a run does, and run one sample.

    Where the app has no samples, a run takes other data than the synthetic sample that is refused here: that is a note.
    """
    engine, opened = "", False
    try:
        (target,) = engine_choice.targets(app, None, EngineConfiguration(""))
        engine = f"on {target.name}: "
        with Worker(WorkerOptions(environment=target.environment())) as worker:
            worker.request(target.open_request(app, app.samples, seed=0))
            opened = True
            worker.request(RunFirstSample())
            worker.request(Predict(limit=1))
    except WorkerError as error:
        yield Problem("", f"{engine}{error.outcome}", error.hint, file)
    except LpbenchError as error:
        where = f"{error.where}: " if error.where and error.where not in file else ""
        yield Problem("", f"{engine}{where}{error.what}", error.hint, file, note=opened and not app.samples)
