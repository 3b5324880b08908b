"""Asks engines which operators of a model they do not support, each in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError, WorkerError
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.spec_answers import availability_of, version_of
from lpbench.util.text import abridge
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.plugin.engine import Model
    from lpbench.plugin.operators import UnsupportedOperator
    from lpbench.plugin.specs import EngineSpec

LONGEST = 1_000
"""Characters of a reason and of a hint."""
TIMEOUT = 120.0
"""Seconds that an engine's library may take."""


@dataclass(frozen=True)
class OperatorSupport:
    """What an engine says of the operators of a model.

    :param engine: Its own name.
    :param version: Of its library; empty where it is not known.
    :param unsupported: The operators that it lacks; empty if it has all of them.
    """

    engine: str
    version: str
    unsupported: tuple[UnsupportedOperator, ...] | Unavailable


def operator_support(
    model: Model,
    configurations: Sequence[EngineConfiguration] | None = None,
    *,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] = lambda _engine: None,
) -> tuple[OperatorSupport, ...]:
    """Return what each engine says of a model's operators; a crash or a hang is an answer, not an error.

    :param configurations: The engines to ask; by default those that are installed and read the model's format, with
        their defaults.
    :param timeout: Seconds until an engine counts as hung.
    :param progress: Called with the name of each engine before it is asked.
    """
    asked = _installed(model.format) if configurations is None else configurations
    found = []
    for configuration in asked:
        progress(configuration.engine)
        found.append(_answered(model, configuration, timeout))
    return tuple(found)


def _installed(model_format: str) -> list[EngineConfiguration]:
    offers = registry.current().all(registry.ENGINES).values()
    readers = [offer.spec for offer in offers if model_format in offer.spec.formats]
    return [EngineConfiguration(spec.name) for spec in readers if availability_of(spec)]


def _answered(model: Model, configuration: EngineConfiguration, timeout: float) -> OperatorSupport:
    spec = registry.current().get(registry.ENGINES, configuration.engine).spec
    return OperatorSupport(spec.name, version_of(spec), _asked(model, configuration, spec, timeout))


def _asked(
    model: Model, configuration: EngineConfiguration, spec: EngineSpec, timeout: float
) -> tuple[UnsupportedOperator, ...] | Unavailable:
    if not spec.operators:
        return Unavailable("its plugin does not tell which operators it supports", "not-supported")
    from lpbench.worker.client import Worker, WorkerOptions
    from lpbench.worker.requests import FindUnsupported

    described = json.loads(json.dumps(dataclasses.asdict(model), default=str))
    try:
        with Worker(WorkerOptions(environment=spec.environment, timeout=timeout)) as worker:
            return worker.request(FindUnsupported(described, configuration)).operators
    except WorkerError as error:
        hint = "" if error.outcome.kind == "hung" else error.hint  # which names a setting of measurements
        return Unavailable(abridge(str(error.outcome), LONGEST), "failed", abridge(hint, LONGEST))
    except LpbenchError as error:
        return Unavailable(abridge(error.what, LONGEST), "failed", abridge(error.hint, LONGEST))
