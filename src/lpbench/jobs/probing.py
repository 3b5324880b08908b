"""Asks engines' libraries what they find here, each in a process of its own: vendors' libraries crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError, WorkerError
from lpbench.plugin import registry
from lpbench.plugin.specs import READY, Availability, State, version_of
from lpbench.util.arguments import checked
from lpbench.util.shown import Sheet, Shown, several

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec

TIMEOUT = 120.0
"""Seconds that a probe may take: the first start of a GPU's library compiles for minutes on some boards."""


@dataclass(frozen=True, repr=False)
class Probed(Shown):
    """What an engine's library says when it is started.

    :param availability: BROKEN where it crashed, UNSUPPORTED where it finds no device.
    :param devices: What ``--device`` takes here.
    :param unusable: Devices that the library knows and cannot use, with the reason.
    :param facts: Everything else that the probe returned.
    """

    availability: Availability
    version: str = ""
    devices: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def in_short(self) -> str:
        """Return whether it is ready, its version and its devices."""
        return " ".join(filter(None, (self.availability.state.value, self.version, several(self.devices))))

    def sheet(self) -> Sheet:
        """Return a row for each thing that the library says."""
        rows = [("state", self.availability.state.value), ("version", self.version), ("devices", several(self.devices))]
        rows += [(f"cannot use {device}", reason) for device, reason in self.unusable.items()]
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
        return _read(_ask(offer.spec, timeout))
    except WorkerError as error:
        return Probed(Availability(State.BROKEN, str(error.outcome), error.hint))
    except LpbenchError as error:
        return Probed(Availability(State.BROKEN, error.what, error.hint))


def _ask(spec: EngineSpec, timeout: float) -> Mapping[str, Any]:
    from lpbench.worker.client import Worker, WorkerOptions
    from lpbench.worker.requests import Probe

    with Worker(WorkerOptions(environment=spec.environment, timeout=timeout)) as worker:
        answer = worker.request(Probe(spec.probe, spec.name))
    if not isinstance(answer, dict):
        raise LpbenchError(f"the probe {spec.probe} returned {type(answer).__name__}; expected an object")
    return answer


def _read(answer: Mapping[str, Any]) -> Probed:
    known = {"version", "devices", "unusable"}
    devices, unusable = tuple(map(str, answer.get("devices", ()))), dict(answer.get("unusable", {}))
    facts = {key: value for key, value in answer.items() if key not in known}
    available = READY
    if "devices" in answer and not devices:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in unusable.items())
        available = Availability(State.UNSUPPORTED, f"no usable device{f': {reasons}' if reasons else ''}")
    return Probed(available, str(answer.get("version", "")), devices, unusable, facts)
