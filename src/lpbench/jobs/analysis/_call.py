"""Has an analyzer analyse one model, in a process of its own; what it answered is kept in the cache."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

from lpbench import errors
from lpbench.app.model_files import belonging
from lpbench.errors import AnalysisError, ConfigError
from lpbench.plugin.analyzer import Analysis, LayerCost
from lpbench.plugin.kit.layer_kinds import CATEGORIES
from lpbench.util import atomic_folders, processes
from lpbench.util.dataclass_config import build
from lpbench.util.digests import file_digest
from lpbench.util.json_files import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import AnalyzerSpec

TIME, MEMORY = 300.0, 8 << 30
"""Seconds and bytes of address space that an analysis may take."""
LARGEST = 64 << 20
"""Bytes of an answer: some hundred thousand layers."""
MOST = 1000
"""Analyses that are kept."""
WORDS = 300
"""Characters of the last line of an analyzer's output that an error repeats."""
VERSION = 2
"""Of what is kept; analyses kept in an earlier form are made again."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked about a model.

    :param shapes: Of its inputs, as the user gave them.
    :param tile: Width and height of its image input; None for its own.
    :param prefix: What the user writes before the names of its inputs.
    """

    offer: Offer[AnalyzerSpec]
    model: Model
    shapes: Mapping[str, Sequence[int]]
    tile: tuple[int, int] | None
    prefix: str

    def request(self) -> dict[str, Any]:
        """Return the request to the process."""
        return {
            "name": self.offer.spec.name,
            "target": self.offer.spec.target,
            "model": dataclasses.asdict(self.model),
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "tile": self.tile,
            "prefix": self.prefix,
            "memory": MEMORY,
        }

    def key(self) -> str:
        """Return a hash of everything that the answer depends on."""
        model = self.model
        stated = {name: value for name, value in dataclasses.asdict(model).items() if name not in {"path", "extra"}}
        parts = {
            "version": VERSION,
            "analyzer": [self.offer.distribution, self.offer.spec.target, self.offer.spec.installed()],
            "files": [[self._name(path), file_digest(path)] for path in (model.path, *belonging(model))],
            **{name: value for name, value in {**self.request(), "model": stated}.items() if name != "memory"},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _name(self, path: Path) -> str:
        """Return the name by which a model's file finds another."""
        return os.path.relpath(path, self.model.path.parent)


def answer(question: Question, tick: Callable[[float], None]) -> Analysis:
    """Return the analysis of a model, from the cache if it was made before.

    :param tick: Called with the seconds spent, at intervals.
    :raises AnalysisError: The model is damaged, the shapes do not fit it, or the analyzer crashed or hung.
    """
    kept = atomic_folders.cache_folder() / "analyses" / f"{question.key()}.json"
    if (found := _kept(kept)) is not None:
        return found
    with atomic_folders.temporary("analysis") as folder:
        document = _ask(question, folder, tick)
        found = _analysis(document, question)
    _keep(kept, document)
    return found


def _kept(file: Path) -> Analysis | None:
    """Return an analysis of the cache; None if there is none, or it was damaged."""
    try:
        return build(Analysis, read_json(file, limit=LARGEST))
    except (errors.LpbenchError, TypeError, AttributeError):
        return None


def _keep(file: Path, document: Mapping[str, Any]) -> None:
    """Write an analysis into the cache, whole or not at all; a cache that cannot be written is none."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as made:
            json.dump(document, made)
        os.replace(made.name, file)  # noqa: PTH105 - the name is a text
        _forget_oldest(file.parent)


def _forget_oldest(folder: Path) -> None:
    kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[MOST:]:
        path.unlink()


def _ask(question: Question, folder: Path, tick: Callable[[float], None]) -> Mapping[str, Any]:
    asked, answered, log = folder / "request", folder / "answer", folder / "log"
    asked.write_text(json.dumps(question.request(), default=str), encoding="utf-8")
    command = processes.python("-m", "lpbench.jobs.analysis.child", str(asked), str(answered))
    try:
        status = processes.run(command, log=log, timeout=TIME, tick=tick)
    except TimeoutError as error:
        raise _failed(question, f"hung: it {error}", log) from error
    if status != 0:
        raise _failed(question, f"{'ended: ' if status > 0 else ''}{processes.ending(status)}", log)
    found: Mapping[str, Any] = read_json(answered, limit=LARGEST, error=AnalysisError)
    if "error" in found:
        raise _refusal(question, found["error"])
    return found["analysis"]  # type: ignore[no-any-return] # JSON; its type is checked by ``_analysis``


def _analysis(document: Mapping[str, Any], question: Question) -> Analysis:
    name, where = question.offer.spec.name, question.model.path.name
    try:
        found = build(Analysis, document)
    except ConfigError as error:
        what = f'analyzer "{name}" returned a value of a wrong type: {error.what}'
        raise AnalysisError(what, where=where) from error
    if impossible := _impossible(found):
        raise AnalysisError(f'analyzer "{name}" returned what no model has: {impossible}', where=where)
    return found


def _impossible(found: Analysis) -> str:
    """Return what is wrong with an analyzer's answer: a count below zero, or a kind of kernel that there is not."""
    for each in (found, *found.layers):
        whose = f'layer "{each.name}": ' if isinstance(each, LayerCost) else ""
        for name, value in vars(each).items():
            if isinstance(value, int) and value < 0:
                return f"{whose}{name} {value}"
        if isinstance(each, LayerCost) and each.kind not in CATEGORIES:
            return f'{whose}kind "{each.kind}"; known: {", ".join(CATEGORIES)}'
    return ""


def _failed(question: Question, outcome: str, log: Path) -> AnalysisError:
    """Return the error that says how the process ended, with the last line that it printed."""
    said = processes.last_line(log)[:WORDS]
    hint = f"the last line it printed: {said}" if said else ""
    return AnalysisError(f'analyzer "{question.offer.spec.name}" {outcome}', where=str(question.model.path), hint=hint)


def _refusal(question: Question, error: Mapping[str, str]) -> AnalysisError:
    """Return the error that an analyzer answered with; another's than lpbench's is named."""
    name, what = question.offer.spec.name, error["what"]
    if error["kind"] == MemoryError.__name__:
        what = f'analyzer "{name}" needs more than {MEMORY >> 30} GiB of memory'
    elif not hasattr(errors, error["kind"]):
        what = f'analyzer "{name}": {error["kind"]}: {what}'
    found = AnalysisError(what, where=error["where"] or str(question.model.path), hint=error["hint"])
    found.__cause__ = RuntimeError(error["trace"])  # for --debug
    return found
