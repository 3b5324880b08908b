"""Models that are converted for engines that do not read the app's own, each for what is asked of its configuration."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.jobs import engine_choice
from lpbench.jobs.conversion import supply
from lpbench.plugin import registry
from lpbench.plugin.engine_options import EngineWords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.specs import EngineSpec


def supplied(
    app: App, engines: Sequence[str] | None, template: EngineConfiguration, report: Callable[[str, str], None]
) -> tuple[App, Mapping[str, LpbenchError]]:
    """Return the app with a model for each engine, and why there is none, by the words of the engine.

    :param engines: As they were asked for; None are the app's own.
    :param template: What is asked of every engine.
    :param report: Called with an engine and what is done for it.
    """
    if not engines:
        return _supply(app, engine_choice.usable(app, None), template, report)
    failed: dict[str, LpbenchError] = {}
    known: dict[tuple[str, str, object, str], LpbenchError | None] = {}
    for text in engine_choice.names(engines):
        with contextlib.suppress(LpbenchError):  # ``targets`` says why it cannot be used
            words = EngineWords.of(text)
            if words.environment or "app" in words.common:
                continue  # what is measured elsewhere is as it is
            offer = registry.current().get(registry.ENGINES, words.name)
            if not offer.availability():
                continue
            asked = words.common_in(template)
            key = (offer.spec.name, asked.variant, asked.tile, str(asked.shapes))
            if key not in known:
                app, errors = _supply(app, [offer.spec], asked, report)
                known[key] = errors.get(offer.spec.name)
            if error := known[key]:
                failed[text] = error
    return app, failed


def _supply(
    app: App, specs: Sequence[EngineSpec], asked: EngineConfiguration, report: Callable[[str, str], None]
) -> tuple[App, dict[str, LpbenchError]]:
    return supply(
        app,
        specs,
        shapes=asked.shapes,
        variant=asked.variant,
        tile=asked.tile,
        progress=lambda name, step: report(name, str(step)),
    )
