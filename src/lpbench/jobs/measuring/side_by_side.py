"""Whether targets can run batches of samples, and sessions in parallel."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.errors import EngineError, LpbenchError, setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.app.model import App
    from lpbench.jobs.engine_choice import Target


def refuse_side_by_side(app: App, targets: Sequence[Target], *, explain: bool) -> list[Target]:
    """Return the targets, those refused that do not support the batches or streams asked of them.

    :param explain: Whether the latency is to be broken down.
    :raises LpbenchError: The app does not support those of any target, or the only target does not.
    """
    for each in targets:
        _refuse_none(each)
    several = [each for each in targets if each.refusal is None and _several(each)]
    why = _apps_refusal(app, explain=explain) if several else None
    if why is not None and len(several) == sum(each.refusal is None for each in targets):
        raise why
    checked = [_checked(each, why) if each in several else each for each in targets]
    if len(checked) == 1 and several and checked[0].refusal is not None:
        raise checked[0].refusal
    return checked


def _refuse_none(target: Target) -> None:
    batch, streams = target.configuration.batch, target.configuration.streams
    if batch < 1 or streams < 1:
        hint = f"{setting('batch')} and {setting('streams')} take 1 or more"
        raise LpbenchError(f"{batch} samples in a batch, {streams} streams", hint=hint)


def _several(target: Target) -> bool:
    """Say whether a target takes batches of several samples, or several streams."""
    return max(target.configuration.batch, target.configuration.streams) > 1


def _apps_refusal(app: App, *, explain: bool) -> LpbenchError | None:
    """Return why no engine runs batches or streams of an app; None where one may."""
    if len(app.components) > 1:
        return LpbenchError(
            f"{app.name} is a chain of components, which takes one sample at a time",
            hint=f"leave {setting('batch')} and {setting('streams')} out",
        )
    if explain:
        return LpbenchError(
            f"{setting('explain')} breaks down the latency of single samples, not of batches or streams",
            hint=f"leave {setting('explain')} out, or {setting('batch')} and {setting('streams')}",
        )
    return None


def _checked(target: Target, why: LpbenchError | None) -> Target:
    """Return a target, refused for what holds for all or for what its engine lacks."""
    refusal = why or _engines_refusal(target)
    return dataclasses.replace(target, refusal=refusal) if refusal else target


def _engines_refusal(target: Target) -> LpbenchError | None:
    spec, configuration = target.spec, target.configuration
    if spec is None:
        return None
    lacks = [
        words
        for asked, able, words in (
            (configuration.batch, spec.batches, "batches"),
            (configuration.streams, spec.streams, "parallel streams"),
        )
        if asked > 1 and not able
    ]
    return EngineError(f'engine "{spec.name}" does not support {" or ".join(lacks)}') if lacks else None
