"""Algorithms as sweeps take them: found by the name that a plugin gives them, or in a file that a user wrote."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError, PluginError
from lpbench.jobs.sweep._plan import PLAN_LIMIT, SweepPlan, toml
from lpbench.jobs.sweep._words import is_offered
from lpbench.plugin import registry
from lpbench.plugin.algorithm import INSTANCE, MEASURED, Signature, Target, Variable
from lpbench.results.sweep_columns import SweepColumn
from lpbench.util import dataclass_config
from lpbench.util.paths import no_such_file
from lpbench.util.regular_files import read_regular
from lpbench.worker.algorithms.messages import Request

if TYPE_CHECKING:
    from lpbench.plugin.algorithm_spec import AlgorithmSpec
    from lpbench.plugin.registry import Offer

SUFFIX = ".toml"
CALLS = ("call", "command")
"""Keys that tell the file of an algorithm from a plan."""
SECTIONS = ("hyperparameters", "inputs", "targets")
KEPT = frozenset({"apps", "values", "sample", "seed", "block", "runs", "max_time", "timeout", "memory"})
"""Fields of a plan that an algorithm has too."""
PLACE = re.compile(r"\{([^{}\s\"':]+)\}")
"""Where a value goes in a command."""
CODE_LIMIT = 64 << 20
"""Bytes of a program that are read for its digest."""


@dataclass(frozen=True)
class SweptAlgorithm:
    """An algorithm that is ready to be swept.

    :param request: To a worker, all but the values and the limits.
    :param digest: Of everything that it consists of, as far as that is known.
    """

    name: str
    signature: Signature
    request: Request
    digest: str

    @property
    def columns(self) -> tuple[SweepColumn, ...]:
        """The columns of its rows, in the order of published tables."""
        signature = self.signature
        return (
            *(_set(each, "input") for each in signature.inputs),
            *(_set(each, "hyperparameter") for each in signature.hyperparameters),
            *(SweepColumn(t.name, "target", "float", t.unit, t.doc, best=t.best) for t in _targets(signature)),
        )


def _targets(signature: Signature) -> tuple[Target, ...]:
    return (*MEASURED, *signature.targets)


def _set(each: Variable, kind: Any) -> SweepColumn:
    lower, upper = (None, None) if each.type == "str" else (each.lower, each.upper)
    return SweepColumn(each.name, kind, each.type, "", each.doc, lower, upper)


@dataclass(frozen=True)
class AlgorithmFile:
    """What the file of an algorithm says.

    :param name: By default the file's own.
    :param call: ``FILE.py:NAME``, a function or an ``Algorithm``; or
    :param command: a command line with ``{NAME}`` where values go.
    """

    name: str = ""
    call: str = ""
    command: tuple[str, ...] = ()
    hyperparameters: tuple[Variable, ...] = ()
    inputs: tuple[Variable, ...] = ()
    targets: tuple[Target, ...] = ()
    instances: int = 1

    def __post_init__(self) -> None:
        if bool(self.call) == bool(self.command):
            raise ValueError('an algorithm has either "call" or "command"')
        if not self.name.isprintable():
            raise ValueError("name has unprintable characters")
        if self.call and not all(self.call.rpartition(":")[::2]):
            raise ValueError(f'call is "{self.call}"; expected FILE.py:FUNCTION')
        known = [*(each.name for each in self.signature.variables), INSTANCE]
        for place in PLACE.findall(" ".join(self.command)):
            if place not in known:
                raise ValueError(f'command has "{{{place}}}", which is no hyper-parameter and no input')

    @property
    def signature(self) -> Signature:
        """What it is set to, works on and answers with."""
        return Signature(self.hyperparameters, self.inputs, self.targets, self.instances)


def algorithm_of(plan: SweepPlan, *, certain: bool = False) -> SweptAlgorithm | None:
    """Return the algorithm of a plan; None where it has apps.

    :param certain: That it has one: then it is an error if it cannot be found.
    :raises LpbenchError: It has other apps or axes of engines beside the algorithm, or the algorithm is broken.
    """
    if not certain and not any(map(is_algorithm, plan.apps)):
        if idle := plan.beside_apps():
            raise ConfigError(f"{', '.join(idle)} is for algorithms", hint="apps have axes such as threads")
        return None
    if len(plan.apps) > 1:
        hint = "its columns are its own: sweep it into another folder"
        raise ConfigError("an algorithm is swept alone", where=", ".join(plan.apps), hint=hint)
    if idle := sorted({*SweepPlan(apps=plan.apps).differing(plan)} - KEPT):
        raise ConfigError(f"{', '.join(idle)} is for apps", where=plan.apps[0], hint="an algorithm has values")
    return found(plan.apps[0])


def is_algorithm(word: str) -> bool:
    """Say whether a word names an algorithm: its file, or what a plugin offers or would offer if it were installed."""
    return is_offered(word) or is_algorithm_file(word)


def is_algorithm_file(word: str | Path) -> bool:
    """Say whether a word is the path of an algorithm's file; a plan has other keys."""
    path = Path(word)
    if path.suffix != SUFFIX or not path.is_file():
        return False
    with contextlib.suppress(LpbenchError):  # whoever reads it as a plan says what is wrong
        return any(key in toml(read_regular(path, limit=PLAN_LIMIT), str(path)) for key in CALLS)
    return False


def found(word: str) -> SweptAlgorithm:
    """Return an algorithm by its name or file.

    :raises LpbenchError: It is not there, not installed, or its file contradicts itself.
    """
    if not is_offered(word) and Path(word).suffix == SUFFIX:
        return _of_file(Path(word))
    offer = registry.current().get(registry.ALGORITHMS, word)
    if not (ready := offer.availability()):
        raise PluginError(f"algorithm {word} cannot run here: {ready.reason}", hint=ready.hint)
    if offer.spec.signature is None:
        raise PluginError(f"algorithm {word} has no signature", hint="its spec states one")
    request = Request(word, target=offer.spec.target, **_asked(offer.spec.signature))
    return SweptAlgorithm(offer.spec.name, offer.spec.signature, request, _of_spec(offer))


def _asked(signature: Signature) -> dict[str, Any]:
    return {"targets": tuple(each.name for each in signature.targets), "instances": signature.instances}


def _of_spec(offer: Offer[AlgorithmSpec]) -> str:
    spec = offer.spec
    return _digest(repr((offer.distribution, spec.target, spec.version, spec.signature)).encode())


def _of_file(path: Path) -> SweptAlgorithm:
    text = read_regular(path, limit=PLAN_LIMIT, error=ConfigError)
    given = toml(text, str(path))
    for section in SECTIONS:
        if section in given:
            given[section] = _named(given[section], section, str(path))
    file = dataclass_config.build(AlgorithmFile, given, where=str(path))
    name = file.name or path.stem.replace("_", "-")
    code, _, function = file.call.rpartition(":")
    program = path.parent / (code or file.command[0])
    if code and not program.is_file():
        raise no_such_file(program, ConfigError)
    how: dict[str, Any] = (
        {"file": str(program.absolute()), "function": function} if code else {"command": _command(file, path)}
    )
    request = Request(name, folder=str(path.parent.absolute()), **_asked(file.signature), **how)
    return SweptAlgorithm(name, file.signature, request, _digest(text, _code(program)))


def _named(section: Any, key: str, where: str) -> list[Any]:
    """Return tables by name as a list of tables with names."""
    if not isinstance(section, Mapping) or not all(isinstance(each, Mapping) for each in section.values()):
        raise ConfigError(f"{key} is no table of tables", where=where, hint=f"begin each with [{key}.NAME]")
    return [{"name": name, **each} for name, each in section.items()]


def _command(file: AlgorithmFile, path: Path) -> tuple[str, ...]:
    """Return a command whose program is the file beside the algorithm's, if there is one of that name."""
    beside = path.parent / file.command[0]
    return (str(beside.absolute()) if beside.is_file() else file.command[0], *file.command[1:])


def _code(program: Path) -> bytes:
    return read_regular(program, limit=CODE_LIMIT) if program.is_file() else b""


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
