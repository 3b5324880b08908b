"""A model loaded by LiteRT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit import feed_checks as shared
from lpbench_tflite import _delegates, _ports, _precision
from lpbench_tflite._calls import call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench.plugin.kit.tflite_file import Structure
    from lpbench_tflite._entry import Entry
    from lpbench_tflite._library import Library
    from lpbench_tflite.config import TfliteConfig


@dataclass(frozen=True)
class Loaded:
    """The parts of an open model.

    :param entry: The graph to run, of an interpreter with allocated tensors.
    :param start: Makes another interpreter with the same options.
    :param delegated: Indices of the operators that delegates accepted, before XNNPACK.
    """

    path: Path
    config: TfliteConfig
    threads: int
    library: Library
    structure: Structure
    entry: Entry
    start: Callable[[bytes], Any]
    delegated: set[int] = field(default_factory=set)


class TfliteSession(Session):
    """One interpreter with its facts."""

    def __init__(self, loaded: Loaded) -> None:
        self._path = loaded.path
        self._loaded: Loaded | None = loaded
        self.inputs, self.outputs = loaded.entry.inputs, loaded.entry.outputs
        self._call: Callable[[Feeds], Outputs] | None = call(loaded.entry, self.inputs, self.outputs)
        self._precision: dict[str, str] = {}

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; the arrays returned belong to the caller."""
        try:
            return self._call(feeds)  # type: ignore[misc] # None once closed, handled below
        except Exception as error:
            raise self._explained(feeds, error) from error

    def close(self) -> None:
        """Free the model."""
        self._call = self._loaded = None

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-tflite.md for each key."""
        loaded = self._opened()
        config, signature = loaded.config, loaded.entry.signature
        facts = {
            "version": loaded.library.version,
            "distribution": loaded.library.distribution,
            "device": config.device,
            "signature": signature.key if signature else None,
            "processor": None if config.delegates else "CPU",
            **self._executed(loaded),
            "threads": loaded.threads,
            "xnnpack": config.xnnpack,
            "delegates": [delegate.library for delegate in config.delegates] or None,
            "nodes": _nodes(loaded),
            "bytes_copied": {
                "inputs": sum(map(_ports.size, loaded.entry.input_details)),
                "outputs": sum(map(_ports.size, loaded.entry.output_details)),
            },
        }
        return {key: value for key, value in facts.items() if value is not None}

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Refuse, since LiteRT's Python interface does not support profiles.

        :raises EngineError: Always.
        """
        library = self._opened().library
        raise EngineError(
            f"{library.distribution} {library.version} does not support per-layer profiles in Python",
            where=str(self._path),
            hint="use engine openvino, which reads .tflite, for profiles",
        )

    def _executed(self, loaded: Loaded) -> dict[str, str]:
        """Return the precision; it is determined at the first call, so that loading is timed without it."""
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


def _nodes(loaded: Loaded) -> dict[str, int] | None:
    """Return the number of operators by delegate, XNNPACK and TFLite; None if the library does not report it."""
    interpreter = loaded.entry.interpreter
    total = None if loaded.entry.runner else _delegates.count(interpreter)  # it counts those of the first graph
    if total is None:
        return None
    taken = set[int]().union(*_delegates.taken(interpreter))
    delegated = loaded.delegated & taken
    counts = {"delegates": len(delegated), "XNNPACK": len(taken - delegated), "TFLite": total - len(taken)}
    return counts if loaded.config.delegates else {key: value for key, value in counts.items() if key != "delegates"}
