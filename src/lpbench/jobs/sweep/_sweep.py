"""``lpbench.sweep``: many configurations of apps, measured block by block into a folder, and resumed from there."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.errors import LpbenchError, ResultError, either
from lpbench.jobs.sweep import _algorithm_sweep, _prepare
from lpbench.jobs.sweep._algorithm import algorithm_of, is_algorithm_file
from lpbench.jobs.sweep._file import holds_sweep, put
from lpbench.jobs.sweep._measure import Measured, measure
from lpbench.jobs.sweep._plan import CONFIGURATION_S, SweepPlan, read_plan
from lpbench.jobs.sweep._queue import Block, Outcome, Queue, queued
from lpbench.jobs.sweep._static import Analyses, efficiency
from lpbench.jobs.sweep._told import Share, announce, expected_s, step
from lpbench.jobs.sweep._words import is_offered, stated
from lpbench.results.sweep import FAILED, IMPOSSIBLE, RATIO, WAITING, Found, Sweep, SweepRow
from lpbench.util import interrupts
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from lpbench.jobs.measuring.progress import Progress
    from lpbench.jobs.sweep._prepare import Prepared
    from lpbench.jobs.sweep._told import Report

RESULTS = "results"
"""Folder below that of the sweep with the result of each block."""
PLAN_SUFFIX = ".toml"


@checked
def sweep(  # noqa: PLR0913 - one keyword for each axis and setting, for completion and type checkers
    apps: str | Path | Sequence[str | Path] | None,
    output: str | Path,
    *,
    engines: str | Sequence[str] | None = None,
    devices: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    precisions: str | Sequence[str] | None = None,
    tiles: str | Sequence[str] | None = None,
    batches: int | Sequence[int] | None = None,
    streams: int | Sequence[int] | None = None,
    values: Mapping[str, Any] | None = None,
    sample: int | None = None,
    seed: int | None = None,
    reference: str | None = None,
    block: int | None = None,
    convert: bool | None = None,
    data: str | Path | None = None,
    quality: bool | None = None,
    resources: bool | None = None,
    runs: int | None = None,
    number: int | None = None,
    max_time: float | None = None,
    timeout: float | None = None,
    memory: float | None = None,
    retry: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Measure every combination of apps, engines and settings, and return a row for each.

    Blocks of configurations with equal numbers of threads take turns with one reference, so that rows of different
    hours compare.  Every block is kept in the folder at once: the same call goes on where an earlier one ended.

    :param apps: Apps: folders, catalogue names, model files; or one algorithm: its name, or its file (``.toml``); or
        one plan file (``.toml``), which has the other arguments as its keys; None goes on with the sweep that is in
        the folder.
    :param output: The folder.
    :param values: Of an algorithm's hyper-parameters and inputs, by name: ``{"bits": [4, 8, 53]}``.
    :param memory: Most megabytes that a run of an algorithm may take.
    :param retry: Try those configurations again that failed or were impossible, or whose reference failed.
    :param progress: Called a few times a second.
    :raises LpbenchError: The plan contradicts itself, the folder holds another sweep or is written by one, or the
        reference cannot be measured.  A configuration that cannot be measured is a row with the reason.
    :raises KeyboardInterrupt: Ctrl-C; the block that was being measured is discarded, those before it are kept.
    """
    given = {name: value for name, value in locals().items() if name not in {"apps", "output", "retry", "progress"}}
    plan = plan_of(apps, given)
    return carry_out(plan, Path(output), progress or (lambda _: None), retry=retry)


def plan_of(apps: str | Path | Sequence[str | Path] | None, given: Mapping[str, object]) -> SweepPlan | None:
    """Return the plan that arguments or a file describe; None for whatever the folder holds.

    :raises ConfigError: It contradicts itself.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    words = [apps] if isinstance(apps, (str, Path)) else list(apps or ())
    plans = [word for word in words if str(word).endswith(PLAN_SUFFIX) and not is_algorithm_file(word)]
    file = next(iter(plans), None)
    if asked and (file is not None or apps is None):
        what = f"{', '.join(asked)} cannot be given beside {'a plan file' if file is not None else 'a sweep to resume'}"
        raise ResultError(what, hint="the plan says everything; change it there, or name the apps")
    if apps is None:
        return None
    if file is not None:
        if len(words) > 1:
            raise ResultError("a plan file is named alone", where=str(file), hint="name the apps in the plan")
        return read_plan(Path(file))
    if "data" in asked:
        asked["data"] = _absolute(str(asked["data"]))
    return SweepPlan.of({"apps": [_absolute(word) for word in words], **asked})


@checked
def load_sweep(folder: str | Path) -> Sweep:
    """Return what a sweep has found so far; it may still be under way.

    :raises ResultError: The folder holds no sweep, or one of another version.
    """
    if not begun(Path(folder)):
        raise _nothing(folder)
    with queued(Path(folder), to_write=False) as queue:
        return queue.sweep()


def begun(folder: Path) -> bool:
    """Say whether a folder holds a sweep, finished or not.

    :raises ResultError: Another version or another program made it.
    """
    if not holds_sweep(folder):
        return False
    with queued(folder, to_write=False) as queue:
        return queue.begun


def outlined(plan: SweepPlan, folder: Path) -> tuple[Sweep, float]:
    """Return the rows of a plan without converting, measuring or writing anything, and the seconds that it would take.

    What a conversion would make possible counts as possible.
    """
    if algorithm := algorithm_of(plan):
        return _algorithm_sweep.outlined(algorithm, plan, folder)
    ready = {word: _prepare.found(word, plan) for word in plan.apps}
    apps = {word: _prepare.swept(word, each, plan) for word, each in ready.items()}
    entries = _prepare.entries(plan, ready, [*apps.values()])
    rows = tuple(
        SweepRow(each.number, each.asked, each.words, each.state, each.reason, stated(each.asked, name, Found()))
        for each in entries
        for name in [apps[each.asked.app].name]
    )
    blocks = {each.block for each in entries if each.block is not None}
    measured = sum(each.state == WAITING for each in entries) + len(blocks)
    references = {each.name: each.reference for each in apps.values()}
    return Sweep(folder, rows, references, (0, len(blocks))), measured * (plan.max_time or CONFIGURATION_S)


def carry_out(plan: SweepPlan | None, folder: Path, report: Report, *, retry: bool = False) -> Sweep:
    """Measure what is not measured yet, and return everything.

    :param plan: None for whatever the folder holds.
    :param retry: Try again what failed or was impossible.
    """
    if plan is None and not begun(folder):  # before anything is written
        raise _nothing(folder)
    with queued(folder, to_write=True) as queue:
        here = machine.environment()["hashes"]["machine"]
        named, plan = plan is not None, _agreed(plan, queue, here)
        known = queue.begun and any(each.columns for each in queue.apps.values())
        if algorithm := algorithm_of(plan, certain=known):
            return _algorithm_sweep.carry_out(algorithm, plan, queue, report, here=here, retry=retry)
        ready = {} if queue.begun else _begin(plan, queue, here, report)
        if retry and not ready:
            ready = _tried_again(queue, plan, report)
        blocks = queue.waiting()
        if blocks:
            announce(queue.sweep(), expected_s(blocks, queue, plan), report)
            ready = ready or _ready(_words(blocks, queue), plan, report)
            _refuse_changed(queue, {word: each.digest for word, each in ready.items()})
            _require_references(queue, ready)
            costs = {word: Analyses(each.app) for word, each in ready.items()}
            for at, block in enumerate(blocks):
                _measured(block, queue, plan, costs[block.app], Share(report, queue, blocks[at:], plan))
                if interrupts.requested():
                    raise KeyboardInterrupt
                interrupts.release()
        elif named and not ready:
            _refuse_changed(queue, _prepare.digests(plan))
        return queue.sweep()


def _absolute(word: str | Path) -> str:
    """Return a path that is there as one that leads there from any folder."""
    return str(Path(word).absolute()) if not is_offered(word) and Path(word).exists() else str(word)


def _agreed(plan: SweepPlan | None, queue: Queue, here: str) -> SweepPlan:
    """Return the plan of the sweep in a folder, or the one that begins there.

    :param here: The hash of this machine.
    :raises ResultError: There is another one, or it began on another machine.
    """
    where = str(queue.folder)
    if queue.begun:
        if plan is not None and (differing := plan.differing(queue.plan)):
            resume = either(f"lpbench sweep --resume {queue.folder} goes on with it", "apps=None goes on with it")
            what = f"holds a sweep with other {', '.join(differing)}"
            raise ResultError(what, where=where, hint=f"{resume}; give another folder for this one")
        if queue.machine != here:
            what = "holds a sweep that began on another machine, or on this one before it was changed"
            raise ResultError(what, where=where, hint="its rows would not compare: give another folder")
        return queue.plan
    if plan is None:
        raise _nothing(where)
    return plan


def _begin(plan: SweepPlan, queue: Queue, here: str, report: Report) -> dict[str, Prepared]:
    """Enter the configurations of apps, and return the apps."""
    ready = _ready(_prepare.words_by_app(plan), plan, report)
    apps = [_prepare.swept(word, each, plan) for word, each in ready.items()]
    queue.fill(plan, here, apps, _prepare.entries(plan, ready, apps))
    return ready


def _tried_again(queue: Queue, plan: SweepPlan, report: Report) -> dict[str, Prepared]:
    """Enter once more what failed or was impossible, and what has no reference, and return the apps."""
    alone = queue.without_reference()
    failed = [row for row in queue.sweep().rows if _in_vain(row, alone)]
    if not failed:
        return {}
    ready = _ready(_prepare.words_by_app(plan), plan, report)
    _refuse_changed(queue, {word: each.digest for word, each in ready.items()})
    queue.enter_again(_prepare.again({row.number: row.asked for row in failed}, plan, ready, [*queue.apps.values()]))
    return ready


def _in_vain(row: SweepRow, alone: Collection[int]) -> bool:
    """Say whether a row has nothing to compare it by: it was not measured, or its reference was not."""
    ratio = row.metrics.get(RATIO)
    return row.state in {FAILED, IMPOSSIBLE} or (row.number in alone and ratio is not None and ratio.value is None)


def _nothing(folder: str | Path) -> ResultError:
    hint = either("lpbench sweep APP --threads 1,2 -o DIR begins one", "lpbench.sweep(apps, folder) begins one")
    return ResultError("holds no sweep", where=str(folder), hint=hint)


def _words(blocks: Sequence[Block], queue: Queue) -> dict[str, list[str]]:
    """Return the words of what is left to measure, by app, with those of the reference."""
    apps = queue.apps
    words: dict[str, list[str]] = {}
    for block in blocks:
        words.setdefault(block.app, [apps[block.app].reference]).extend(entry.words for entry in block.entries)
    return words


def _ready(words: Mapping[str, Sequence[str]], plan: SweepPlan, report: Report) -> dict[str, Prepared]:
    """Return the apps, ready to be measured.

    :param words: The words of engines that will run each.
    """

    def tell(app: str, what: str) -> None:
        report(step(app, what))

    return {app: _prepare.prepared(app, engines, plan, tell) for app, engines in words.items()}


def _refuse_changed(queue: Queue, digests: Mapping[str, str]) -> None:
    if changed := [word for word, kept in queue.apps.items() if digests.get(word, kept.digest) != kept.digest]:
        what = f"{', '.join(changed)} changed since the sweep began"
        raise ResultError(what, where=str(queue.folder), hint="its rows would not compare: give another folder")


def _require_references(queue: Queue, ready: Mapping[str, Prepared]) -> None:
    """Refuse to go on without what rows are compared with: they would be measured for good, and not comparable."""
    for word, each in ready.items():
        words = queue.apps[word].reference
        try:
            _prepare.require_reference(each.app, words)
        except LpbenchError as error:
            what = f"the reference {words} of {each.app.name} cannot be measured: {error.what}"
            raise ResultError(what, where=str(queue.folder), hint=error.hint) from error


def _measured(block: Block, queue: Queue, plan: SweepPlan, costs: Analyses, report: Report) -> None:
    """Measure a block and keep it."""
    begun = time.monotonic()
    measured = measure(costs.app, queue.apps[block.app].reference, block.entries, plan, report)
    report(dataclasses.replace(step("", "analysing models"), done=1.0))
    if measured.reference.failed:
        report(
            dataclasses.replace(
                step("", ""), note=f"{costs.app.name}: the reference failed: {measured.reference.failed}"
            )
        )
    file = _kept(block, queue.folder, measured)
    outcomes = [
        _completed(each, entry.words, costs, file) for entry, each in zip(block.entries, measured.outcomes, strict=True)
    ]
    queue.finish(block, outcomes, measured.reference, time.monotonic() - begun)


def _completed(outcome: Outcome, words: str, costs: Analyses, file: str) -> Outcome:
    """Return an outcome with what its model is and costs, and the name of the file that holds its samples."""
    metrics = {**outcome.found.metrics, **costs.metrics(words)}
    of_model = {"VERSION": costs.version(words), "PRECISION": costs.precision(words)}
    facts = {**{name: value for name, value in of_model.items() if value}, **outcome.found.facts}
    metrics |= efficiency(metrics)
    found = dataclasses.replace(outcome.found, facts=facts, metrics=metrics, result=file)
    return dataclasses.replace(outcome, found=found)


def _kept(block: Block, folder: Path, measured: Measured) -> str:
    """Write the result of a block beside the queue, and return its name below the folder."""
    if len(measured.results) != 1:
        return ""
    name = f"{RESULTS}/{block.number:05}.json"
    put(json.dumps(measured.results[0].to_dict(), allow_nan=False), folder, name)
    return name
