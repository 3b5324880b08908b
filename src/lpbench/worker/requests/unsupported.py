"""The request about operators that an engine lacks."""

from __future__ import annotations

from dataclasses import dataclass

from lpbench.plugin.configuration import EngineConfiguration  # noqa: TC001 - the wire reads the annotations
from lpbench.plugin.operators import UnsupportedOperator  # noqa: TC001 - likewise
from lpbench.worker.requests.base import Record, Request


@dataclass(frozen=True)
class Unsupported:
    """The operators of a model that an engine lacks."""

    operators: tuple[UnsupportedOperator, ...]


@dataclass(frozen=True)
class FindUnsupported(Request[Unsupported]):
    """Ask an engine's plugin which operators of a model it does not support.

    :param model: As ``lpbench.app.model_described.model_from_request`` takes it.
    """

    phase = "looking for unsupported operators"
    reports = True

    model: Record
    configuration: EngineConfiguration
