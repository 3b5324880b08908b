"""The engine that checks a converted model, or why this machine cannot check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.model_choice import reference
from lpbench.errors import EngineError
from lpbench.jobs.probing import probe
from lpbench.plugin.registry import ENGINES, offers_where
from lpbench.util.text import abridge, clean
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.jobs.conversion._job import Check
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec

LONGEST = 500
"""Characters of a reason that is kept in an app."""


def find_checker(check: Check, made: str, plugin: str = "") -> EngineSpec | Unavailable:
    """Return an engine that can run a converted model here, or why there is none, or no reference to compare it with.

    Engines' libraries are asked, each in a process of its own.

    :param made: The format of the converted model.
    :param plugin: The converter's, one of whose engines is preferred.
    """
    if isinstance(missing := missing_reference(check), Unavailable):
        return missing
    reasons: list[Unavailable] = []
    for reader in _readers(check, made, plugin):
        state = reader.availability()
        if state and reader.spec.probe:
            state = probe(reader).availability
        if state:
            return reader.spec
        reasons.append(Unavailable(f"{reader.spec.name} cannot run it here: {state.reason}", hint=state.hint))
    if not reasons:
        return Unavailable(f"no engine that reads {made} is installed")
    hints = "; ".join(filter(None, (each.hint for each in reasons)))
    return Unavailable(clean(abridge("; ".join(each.reason for each in reasons), LONGEST)), hint=hints)


def missing_reference(check: Check) -> Unavailable | None:
    """Return why there is no engine here with which a converted model could be compared; None where there is one."""
    try:
        reference(check.source.format, named=check.component.engine)
    except EngineError as error:
        return Unavailable(clean(abridge(error.what, LONGEST)), hint=error.hint)
    return None


def _readers(check: Check, made: str, plugin: str) -> list[Offer[EngineSpec]]:
    """Return the engines that read a format, the one asked for alone, else the preferred first."""
    if (engine := check.engine) is not None:
        return list(offers_where(ENGINES, lambda spec: spec.name == engine.name))
    found = list(offers_where(ENGINES, lambda spec: made in spec.formats))
    found.sort(
        key=lambda reader: (
            reader.plugin != plugin,
            reader.spec.reference is None,
            next(iter(reader.spec.formats)) != made,
        )
    )
    return found
