"""Requests about the layers of an app that was opened with its profile."""

from __future__ import annotations

from dataclasses import dataclass

from lpbench.results.profile import LayerProfile
from lpbench.worker.requests.base import Request


@dataclass(frozen=True)
class ReadProfiles(Request[tuple[LayerProfile, ...]]):
    """Return what the session of each component says of its layers, over all runs since the app was opened.

    The app was opened by an ``OpenRequest`` with ``profile``.
    """

    phase = "profiling"
