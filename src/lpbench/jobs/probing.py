"""Asks engines' libraries what they find here, each in a process of its own: vendors' libraries crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, WorkerError
from lpbench.plugin import registry
from lpbench.plugin.spec_answers import version_of
from lpbench.plugin.specs import READY, Availability, State
from lpbench.util.arguments import checked
from lpbench.util.shown import Sheet, Shown, several
from lpbench.util.text import abridge
from lpbench.worker.statements import PROBED, stated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec

LONGEST = 1_000
"""Characters of a reason and of a hint."""
TIMEOUT = 120.0
"""Seconds that a probe may take: the first start of a GPU's library compiles for minutes on some boards."""


@dataclass(frozen=True, repr=False)
class Probed(Shown):
    """What an engine's library says when it is started.

    :param availability: BROKEN where it crashed, UNSUPPORTED where it finds no device.
    :param devices: What ``--device`` takes here.
    :param unusable: Devices that the library knows and cannot use, with the reason.
    :param hints: What makes some of those usable: a driver to install, say.
    :param facts: Everything else that the probe returned.
    """

    availability: Availability
    version: str = ""
    devices: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def problems(self) -> dict[str, str]:
        """Return why devices cannot be used, and what helps, by device."""
        return problems(self.unusable, self.hints)

    def in_short(self) -> str:
        """Return whether it is ready, its version and its devices."""
        return " ".join(filter(None, (self.availability.state.value, self.version, several(self.devices))))

    def sheet(self) -> Sheet:
        """Return a row for each thing that the library says."""
        rows = [("state", self.availability.state.value), ("version", self.version), ("devices", several(self.devices))]
        rows += [(f"cannot use {device}", why) for device, why in self.problems().items()]
        why = ". ".join(filter(None, (self.availability.reason, self.availability.hint)))
        facts = [(name, str(value)) for name, value in self.facts.items()]
        return Sheet((), ("", ""), [*rows, *facts], [why] if why else [])


@checked
def probe(engine: str | Offer[EngineSpec], *, timeout: float = TIMEOUT) -> Probed:
    """Start an engine's library in a worker and return what it finds; a crash is an answer, not an error.

    :raises UnknownNameError: No plugin offers the engine.
    """
    offer = registry.current().get(registry.ENGINES, engine) if isinstance(engine, str) else engine
    from lpbench.worker.client import require_processes

    available = offer.availability()
    if not available or not offer.spec.probe:
        return Probed(available, version_of(offer.spec) if available else "")
    try:
        require_processes()
    except LpbenchError as error:  # the engine is ready all the same
        return Probed(available, version_of(offer.spec), unusable={"a probe": error.what})
    try:
        return _read(_ask(offer.spec, timeout), f'"{offer.spec.name}"')
    except WorkerError as error:
        return Probed(Availability(State.BROKEN, str(error.outcome), error.hint))
    except LpbenchError as error:
        return Probed(Availability(State.BROKEN, error.what, error.hint))


def problems(unusable: Mapping[str, str], hints: Mapping[str, str]) -> dict[str, str]:
    """Return the reason why each device cannot be used, with its hint."""
    return {device: ". ".join(filter(None, (why, hints.get(device)))) for device, why in unusable.items()}


def _ask(spec: EngineSpec, timeout: float) -> object:
    from lpbench.worker.client import Worker, WorkerOptions
    from lpbench.worker.requests import Probe

    with Worker(WorkerOptions(environment=spec.environment, timeout=timeout)) as worker:
        return worker.request(Probe(spec.probe, spec.name))


def _read(answer: object, who: str) -> Probed:
    """Return what a probe's answer says.

    :raises EngineError: A key has another type than it is to have; the worker is not trusted.
    """
    found = stated(answer, PROBED, "its probe's answer", who)
    unusable, hints = (
        {device: abridge(words, LONGEST) for device, words in (found.get(name) or {}).items()}
        for name in ("unusable", "hints")
    )
    devices = tuple(found.get("devices", ()))
    available = READY if devices or "devices" not in found else _useless(found, unusable, hints)
    facts = {key: value for key, value in found.items() if key not in PROBED}
    return Probed(available, found.get("version") or "", devices, unusable, hints, facts)


def _useless(found: Mapping[str, Any], unusable: Mapping[str, str], hints: Mapping[str, str]) -> Availability:
    """Return that no device can be used, why, and what helps: the hint of all, or those of single devices."""
    reasons = abridge("; ".join(f"{name}: {reason}" for name, reason in unusable.items()), LONGEST)
    single = "; ".join(dict.fromkeys(hint for device, hint in hints.items() if device in unusable))
    hint = abridge(found.get("hint") or single, LONGEST)
    return Availability(State.UNSUPPORTED, f"no usable device{f': {reasons}' if reasons else ''}", hint)
