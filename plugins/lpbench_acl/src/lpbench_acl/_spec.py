"""Determines whether CANN can be used, without importing any of it."""

from __future__ import annotations

from lpbench.plugin.specs import READY, Availability, ConverterSpec, EngineSpec, MonitorSpec, Spec, State
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


class AtcSpec(ConverterSpec):
    """The converter, which needs CANN's program ``atc`` and not its module."""

    def availability(self) -> Availability:
        """Return whether the program is found, or why not."""
        from lpbench.plugin.converter import ConversionError
        from lpbench_acl._atc import find

        state = super().availability()
        if not state:
            return state
        try:
            find()
        except ConversionError as error:
            return Availability(State.MISSING, error.what, error.hint)
        return READY


class AclMonitorSpec(_NeedsModule, MonitorSpec):
    """The monitor."""
