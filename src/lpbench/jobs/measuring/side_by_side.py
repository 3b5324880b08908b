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
    """Return the targets, those refused that do not support batches or streams as asked.

    :param explain: Whether the latency is to be broken down.
    :raises LpbenchError: The app does not support them, or the only target does not.
    """
    batch, streams = targets[0].configuration.batch, targets[0].configuration.streams
    if batch < 1 or streams < 1:
        hint = f"{setting('batch')} and {setting('streams')} take 1 or more"
        raise LpbenchError(f"{batch} samples in a batch, {streams} streams", hint=hint)
    if batch == streams == 1:
        return list(targets)
    if len(app.components) > 1:
        raise LpbenchError(
            f"{app.name} is a chain of components, which takes one sample at a time",
            hint=f"leave {setting('batch')} and {setting('streams')} out",
        )
    if explain:
        raise LpbenchError(
            f"{setting('explain')} breaks down the latency of single samples, not of batches or streams",
            hint=f"leave {setting('explain')} out, or {setting('batch')} and {setting('streams')}",
        )
    checked = [_refuse_unable(target) for target in targets]
    if len(checked) == 1 and checked[0].refusal is not None:
        raise checked[0].refusal
    return checked


def _refuse_unable(target: Target) -> Target:
    spec, configuration = target.spec, target.configuration
    if spec is None or target.refusal is not None:
        return target
    lacks = [
        words
        for asked, able, words in (
            (configuration.batch, spec.batches, "batches"),
            (configuration.streams, spec.streams, "parallel streams"),
        )
        if asked > 1 and not able
    ]
    what = f'engine "{spec.name}" does not support {" or ".join(lacks)}'
    return dataclasses.replace(target, refusal=EngineError(what)) if lacks else target
