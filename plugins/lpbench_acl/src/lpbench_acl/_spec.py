"""Determines whether CANN can be used, without importing any of it."""

from __future__ import annotations

from lpbench.plugin.specs import READY, Availability, EngineSpec, Spec, State
from lpbench_acl import _cann


class _NeedsModule(Spec):
    """An offer that needs CANN's module ``acl``; others have modules of that name too."""

    def availability(self) -> Availability:
        """Return whether CANN's module is found, or why not."""
        problem = _cann.problem()
        return Availability(State.MISSING, *problem) if problem else READY


class AclSpec(_NeedsModule, EngineSpec):
    """The engine; its library's version stands in files of CANN."""

    def version(self) -> str:
        """Return the version of CANN, or an empty string."""
        return _cann.version()
