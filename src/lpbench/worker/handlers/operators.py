"""Asks an engine's plugin which operators of a model it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.model_described import model_from_request
from lpbench.errors import EngineError, UnavailableEngineError
from lpbench.plugin import registry
from lpbench.plugin.operators import UnsupportedOperator
from lpbench.plugin.spec_answers import availability_of
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.util.text import abridge
from lpbench.worker import engine_faults
from lpbench.worker.requests import Unsupported
from lpbench.worker.statements import stated

if TYPE_CHECKING:
    from lpbench.worker.requests import FindUnsupported

MOST, MOST_NAMES, LONGEST = 200, 100_000, 500
"""Kinds of operators, layers of all kinds together, and characters of each text."""


def find_unsupported(request: FindUnsupported) -> Unsupported:
    """Return what the function that the engine's spec names says.

    :raises EngineError: It cannot say, fails, or returns something else than operators.
    """
    configuration = request.configuration
    spec = registry.current().get(registry.ENGINES, configuration.engine).spec
    if not (available := availability_of(spec)):
        raise UnavailableEngineError(available.reason, engine=spec.name, hint=available.hint)
    model, options = model_from_request(request.model), configuration.engine_options
    kind = load(spec.config, who=spec.name) if spec.config else None
    config = dataclass_config.build(kind, options, where=f"options of {spec.name}") if kind else None
    function = load(spec.operators, who=spec.name)
    with engine_faults.told(spec.name, "operators", model.path):
        found: object = function(model, config)
    return Unsupported(_checked(found, spec.name))


def _checked(found: object, engine: str) -> tuple[UnsupportedOperator, ...]:
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, UnsupportedOperator) for each in found):
        what = "something else than a sequence of UnsupportedOperator"
        raise EngineError(f'engine "{engine}": its list of unsupported operators is {what}')
    if len(found) > MOST or sum(len(each.names) for each in found) > MOST_NAMES:
        raise EngineError(f'engine "{engine}" names more unsupported operators than a model has')
    return tuple(_bounded(each, engine) for each in found)


def _bounded(operator: UnsupportedOperator, engine: str) -> UnsupportedOperator:
    values = {"type": operator.type, "names": operator.names, "reason": operator.reason}
    types = {"type": str, "names": tuple[str, ...], "reason": str}
    stated(values, types, "its unsupported operators", f'engine "{engine}"')
    names = tuple(abridge(name, LONGEST) for name in operator.names)
    return UnsupportedOperator(abridge(operator.type, LONGEST), names, abridge(operator.reason, LONGEST))
