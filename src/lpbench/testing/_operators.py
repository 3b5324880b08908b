"""The check of what an engine says of operators that it does not support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin import specs
from lpbench.plugin.engine import EngineError
from lpbench.plugin.operators import UnsupportedOperator
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing.cases import NO_SUCH_OPERATOR

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model
    from lpbench.testing._subject import EngineSubject


def unsupported_operators_are_named(subject: EngineSubject) -> None:
    """Of the case's model no operator is said to be unsupported; an operator that does not exist is named."""
    if not subject.spec.operators:
        raise NotApplicable("the spec names no function that tells unsupported operators")
    case = subject.case
    found = _asked(subject, case.model)
    require(not found, f"of a model that runs, the engine lacks {', '.join(each.type for each in found)}")
    if case.unsupported is None:
        return
    types = [each.type for each in _asked(subject, case.unsupported)]
    named = any(kind.rpartition(".")[2] == NO_SUCH_OPERATOR for kind in types)
    require(named, f"of a model with {NO_SUCH_OPERATOR}, the engine says that it lacks {', '.join(types) or 'nothing'}")


def _asked(subject: EngineSubject, model: Model) -> list[UnsupportedOperator]:
    function: Any = specs.load(subject.spec.operators, who=subject.spec.name)
    try:
        found = function(model, subject.settings({}))
    except EngineError as error:
        raise NotApplicable(f"the engine cannot tell: {error.what}") from error
    listed = isinstance(found, (list, tuple)) and all(isinstance(each, UnsupportedOperator) for each in found)
    require(listed, f"{subject.spec.operators} returned something else than a sequence of UnsupportedOperator")
    return list(found)
