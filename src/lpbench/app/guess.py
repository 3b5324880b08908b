"""Guesses the processing steps around a model of a class, by asking the processors that are installed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.errors import either
from lpbench.plugin.discovery import CLASS_EXTRAS, brought_by
from lpbench.plugin.guessing import AppFacts, GuessedStep
from lpbench.plugin.registry import POSTPROCESSORS, PREPROCESSORS, current, offers_where
from lpbench.plugin.specs import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo
    from lpbench.plugin.registry import Kind
    from lpbench.plugin.specs import ProcessorSpec

FALLBACK = "tensors"
"""The processors of the core, which suit any model: raw tensors."""
BARE = "model"
"""The class of apps that want raw tensors."""


@dataclass(frozen=True)
class Guess:
    """The steps around a model, and the assumptions made, one line each.

    :param inputs: The model's inputs, with the layouts that were assumed.
    :param unserved: Why a processor is the fallback although the class calls for another, one line each.
    :param tile: Width and height of the image input unless others are asked for; None where the model fixes them.
    """

    preprocessing: dict[str, Any]
    postprocessing: dict[str, Any]
    inputs: tuple[TensorInfo, ...] = ()
    assumed: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    tile: tuple[int, int] | None = None


def guess(app_class: str, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], labels: int) -> Guess:
    """Return steps that suit a class and a model.

    :param inputs: The model's inputs; empty if they are not known.
    :param outputs: The model's outputs; empty if they are not known.
    :param labels: Number of class names.
    """
    facts = AppFacts(app_class, tuple(inputs), tuple(outputs), labels)
    pre, post = (_chosen(kind, facts) for kind in (PREPROCESSORS, POSTPROCESSORS))
    layouts = pre.step.layouts
    known = (dataclasses.replace(info, layout=info.layout or layouts.get(info.name, "")) for info in inputs)
    unserved = tuple(filter(None, (pre.unserved, post.unserved)))
    return Guess(pre.config(), post.config(), tuple(known), (*pre.assumed(), *post.assumed()), unserved, pre.step.tile)


@dataclass(frozen=True)
class _Chosen:
    """A processor, its step, and what else is to be said of the choice."""

    name: str
    step: GuessedStep
    unserved: str = ""
    failed: tuple[str, ...] = ()

    def config(self) -> dict[str, Any]:
        """Return the step as it stands in an app's config."""
        return {"type": self.name, **self.step.settings}

    def assumed(self) -> tuple[str, ...]:
        """Return every assumption."""
        return (*self.failed, *self.step.assumed)


def _chosen(kind: Kind[ProcessorSpec], facts: AppFacts) -> _Chosen:
    """Return the first processor that suits; one whose guess fails is passed over, and a line says so."""
    failed: list[str] = []
    for spec in _candidates(kind, facts.app_class):
        try:
            step = _asked(spec, facts)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's guess may raise anything
            reason = next(iter(str(error).splitlines()), "")
            told = f"{type(error).__name__}: {reason}"
            failed.append(f'CHECK: {kind.word} "{spec.name}" was passed over, because its guess failed: {told}')
            continue
        if step is not None:
            unserved = _unserved(kind, facts.app_class) if spec.name == FALLBACK else ""
            return _Chosen(spec.name, step, unserved, tuple(failed))
    return _Chosen(FALLBACK, GuessedStep(), _unserved(kind, facts.app_class), tuple(failed))


def _candidates(kind: Kind[ProcessorSpec], app_class: str) -> list[ProcessorSpec]:
    """Return the processors to ask: those that name the class, then those for any class, and the fallback last."""

    def suits(spec: ProcessorSpec) -> bool:
        return app_class in spec.classes or bool(spec.guess and not spec.classes)

    specs = [offer.spec for offer in offers_where(kind, suits)]
    return sorted(specs, key=lambda spec: (spec.name == FALLBACK, app_class not in spec.classes))


def _asked(spec: ProcessorSpec, facts: AppFacts) -> GuessedStep | None:
    """Return a processor's step, or None if it does not suit; without a guess it has no settings."""
    if not spec.guess:
        return GuessedStep()
    step = load(spec.guess, who=spec.name)(facts)
    if step is not None and not isinstance(step, GuessedStep):
        raise TypeError(f"returned {type(step).__name__}, expected GuessedStep or None")
    return step


def _unserved(kind: Kind[ProcessorSpec], app_class: str) -> str:
    """Return that nothing installed suits the class, and where to look for what does; empty for bare models."""
    if app_class == BARE:
        return ""
    remedy = current().remedy(brought_by(app_class, group=CLASS_EXTRAS))
    every = either("lpbench plugins -v", "lpbench.plugins()")
    where = f"to have processors for it: {remedy}" if remedy else f"{every} lists all that are installed"
    return f'{kind.word} "{FALLBACK}" is used, because no installed one proposes itself for "{app_class}"; {where}'
