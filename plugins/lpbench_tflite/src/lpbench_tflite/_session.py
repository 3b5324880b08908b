"""A model loaded by LiteRT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit import feed_checks as shared
from lpbench_tflite import _delegates, _ports, _precision
from lpbench_tflite._calls import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench_tflite._library import Library
    from lpbench_tflite._model import Structure
    from lpbench_tflite.config import TfliteConfig


@dataclass(frozen=True)
class Loaded:
    """What an open model was made from.

    :param interpreter: With its tensors allocated.
    :param start: Makes another interpreter with the same options.
    :param delegated: The operators that delegates took, before XNNPACK.
    :param fixed: Names of the inputs whose shape was asked for.
    """

    path: Path
    config: TfliteConfig
    threads: int
    library: Library
    structure: Structure
    interpreter: Any
    start: Callable[[bytes], Any]
    delegated: set[int] = field(default_factory=set)
    fixed: frozenset[str] = frozenset()


class TfliteSession(Session):
    """One interpreter and what is known of it."""

    def __init__(self, loaded: Loaded) -> None:
        self._path = loaded.path
        self._loaded: Loaded | None = loaded
        self.inputs, self.outputs = tensors(loaded.interpreter, loaded.fixed)
        self._call: Call | None = Call(loaded.interpreter, self.inputs, self.outputs)
        self._precision: dict[str, str] = {}

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; the arrays returned belong to the caller."""
        try:
            return self._call(feeds)  # type: ignore[misc] # None once closed, which is told below
        except Exception as error:
            raise self._explained(feeds, error) from error

    def close(self) -> None:
        """Free the model."""
        self._call = self._loaded = None

    def describe(self) -> Mapping[str, Any]:
        """Return what ran where; see docs/reference/engine-tflite.md for each key."""
        loaded = self._opened()
        config, interpreter = loaded.config, loaded.interpreter
        given, found = interpreter.get_input_details(), interpreter.get_output_details()
        facts = {
            "version": loaded.library.version,
            "distribution": loaded.library.distribution,
            "device": config.device,
            "processor": None if config.delegates else "CPU",
            **self._executed(loaded),
            "threads": loaded.threads,
            "xnnpack": config.xnnpack,
            "delegates": [each.library for each in config.delegates] or None,
            "nodes": _nodes(loaded),
            "bytes_copied": {"inputs": sum(map(_ports.size, given)), "outputs": sum(map(_ports.size, found))},
        }
        return {key: value for key, value in facts.items() if value is not None}

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Refuse: LiteRT's Python interface has no profile.

        :raises EngineError: Always.
        """
        library = self._opened().library
        raise EngineError(
            f"{library.distribution} {library.version} has no per-layer profile in Python",
            where=str(self._path),
            hint="engine openvino reads .tflite and has one",
        )

    def _executed(self, loaded: Loaded) -> dict[str, str]:
        """Return the precision, found out at the first call so that loading is timed without it."""
        self._precision = self._precision or _precision.precision(loaded.structure, loaded.config, loaded.start)
        return self._precision

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        self._opened()
        if isinstance(error, EngineError):
            return EngineError(error.what, where=str(self._path), hint=error.hint)
        what, hint = shared.problem(feeds, self.inputs) or (f"LiteRT: {' '.join(str(error).split())}", "")
        return EngineError(what, where=str(self._path), hint=hint)

    def _opened(self) -> Loaded:
        if self._loaded is None:
            raise EngineError("the session is closed", where=str(self._path))
        return self._loaded


def tensors(interpreter: Any, fixed: frozenset[str]) -> tuple[Any, Any]:
    """Return inputs and outputs; sizes that follow from the shapes asked for are no longer open.

    :param fixed: Names of the inputs whose shape was asked for.
    """
    given = interpreter.get_input_details()
    inputs = tuple(info for each in given for info in _ports.infos([each], fixed=each["name"] in fixed))
    settled = not any(info.dynamic for info in inputs)
    return inputs, _ports.infos(interpreter.get_output_details(), fixed=settled and bool(fixed))


def _nodes(loaded: Loaded) -> dict[str, int] | None:
    """Return how many of the model's operators run where, or None where the library does not tell."""
    total = _delegates.count(loaded.interpreter)
    if total is None:
        return None
    taken = set[int]().union(*_delegates.taken(loaded.interpreter))
    delegated = loaded.delegated & taken
    found = {"delegates": len(delegated), "XNNPACK": len(taken - delegated), "TFLite": total - len(taken)}
    return found if loaded.config.delegates else {key: value for key, value in found.items() if key != "delegates"}
