"""What the code of specs answers, which may be anybody's: whatever it raises or returns becomes an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.failures import reason_of
from lpbench.plugin.specs import Availability, State, origin_hint

if TYPE_CHECKING:
    from lpbench.plugin.specs import EngineSpec, Spec


def availability_of(spec: Spec) -> Availability:
    """Return a spec's availability; BROKEN where a plugin's own ``availability()`` raises or returns nonsense."""
    try:
        found: object = spec.availability()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a third party's code may raise anything
        return Availability(State.BROKEN, f"availability() raised {reason_of(error)}", origin_hint())
    if type(found) is not Availability or not isinstance(found.state, State):
        return Availability(State.BROKEN, f"availability() returned a {type(found).__name__}", origin_hint())
    if type(found.reason) is str and type(found.hint) is str:
        return found
    return Availability(State.BROKEN, "availability() gave a reason or a hint that is no text", origin_hint())


def version_of(spec: EngineSpec) -> str:
    """Return the version of an engine's library; empty where it is not known, or a plugin's ``version()`` fails."""
    try:
        version: object = spec.version()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a third party's code may raise anything
        return ""
    return version if type(version) is str else ""
