"""``lpbench.benchmark``: one call from an app and settings to a result."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.jobs.measuring import plan
from lpbench.jobs.measuring.progress import Progress
from lpbench.jobs.measuring.rounds import Rounds
from lpbench.plugin.engine import Engine
from lpbench.results import store
from lpbench.results.model import INTERRUPTED
from lpbench.results.settings import RunSettings, documented
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.app.model import App
    from lpbench.results.journal import Journal
    from lpbench.results.model import Result


@checked
@documented
def benchmark(  # noqa: PLR0913 - every setting by its name, for completion and type checkers
    app: str | Path | App,
    *,
    engine: str | Sequence[str] | Engine[Any] | None = None,
    device: str | None = None,
    threads: int | None = None,
    options: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    number: int | None = None,
    runs: int | None = None,
    percentile: float | None = None,
    affinity: Sequence[int] = (),
    priority: int | None = None,
    timeout: float = 300.0,
    isolate: bool | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    max_time: float | None = None,
    yardstick: bool = True,
    retry_disturbed: bool = False,
    explain: bool = False,
    profile: bool = False,
    alone: float | None = None,
    variant: str = "",
    tile: str | tuple[int, int] | None = None,
    batch: int = 1,
    streams: int = 1,
    convert: bool = False,
    quality: bool | str | Sequence[str] = False,
    resources: bool = False,
    monitors: Mapping[str, Mapping[str, Any]] | None = None,
    sustain: float | None = None,
    draw: str | Path | None = None,
    save: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Measure an app on one engine or several and return what was found.

    An engine object is measured as it is; ``{"config": ...}`` in ``options`` is passed to its ``open``.

    :param app: An app, its folder, a bare model file, or a name of the catalogue.
    :param save: Save the result like those of the command line; ``lpbench.last()`` reads it again.
    :param progress: Called a few times a second.
    :raises LpbenchError: The app or the only engine asked for cannot be used.  A worker that ends is no error but an
        outcome in the result.
    :raises Interrupted: Ctrl-C, or the stop button of a notebook; its ``result`` is what was measured until then.
    """
    settings = RunSettings.of(locals())
    instance = engine if isinstance(engine, Engine) else None
    return saved(save, lambda journal: measure(app, settings, instance, progress=progress, journal=journal))


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while measuring, with what was measured until then.

    :param result: Of which ``state`` is ``interrupted``.
    """

    def __init__(self, result: Result) -> None:
        super().__init__("interrupted; what was measured until then is the error's result")
        self.result = result


def measure(
    app: str | Path | App,
    settings: RunSettings,
    instance: Engine[Any] | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    journal: Journal | None = None,
) -> Result:
    """Measure an app as settings say and return what was found, interrupted or not; see ``benchmark``.

    :param instance: An engine object, in place of the settings' names.
    :param progress: Called a few times a second.
    :param journal: Takes each finished run at once.
    """

    def converting(engine: str, phase: str) -> None:
        if progress is not None:
            progress(Progress(engine, phase, 0, 0, 0.0, None, None, 0))

    return Rounds(plan.make(app, settings, instance, converting), progress, journal).carry_out()


def saved(save: bool, measuring: Callable[[Journal | None], Result]) -> Result:  # noqa: FBT001 - the caller's own word
    """Return what measuring finds.

    :param save: Save the result, an interrupted one that holds a sample too, and each finished run before that.
    :param measuring: Called with the journal for finished runs, or None.
    :raises Interrupted: Ctrl-C.
    """
    if not save:
        result = measuring(None)
    else:
        with store.begin() as journal:
            result = measuring(journal)
            _save(result, journal)
    if result.state == INTERRUPTED:
        raise Interrupted(result)
    return result


def _save(result: Result, journal: Journal) -> None:
    """Save a result; what was measured is returned in any case."""
    if not store.worth_keeping(result):
        journal.discard()
        return
    try:
        store.keep(result, journal, tell=lambda note: warnings.warn(note, stacklevel=6))
    except ResultError as error:
        warnings.warn(f"the result was not saved: {error}", stacklevel=5)
