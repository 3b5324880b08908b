"""A model loaded by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime

from lpbench.plugin.engine import EngineError, Session
from lpbench_ort import _calls, _feeds, _precision, _profile, _providers, _shapes, _types
from lpbench_ort._text import plain_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from lpbench.plugin.engine import Feeds, Model, Outputs, Shapes, TensorInfo
    from lpbench_ort._calls import Call
    from lpbench_ort._model import Made
    from lpbench_ort.config import OrtConfig


class OrtSession(Session):
    """One ``InferenceSession`` with its settings.

    :param session: The open ``InferenceSession``.
    :param threads: Number of threads of one operator, as passed to ONNX Runtime.
    :param folder: Removes, when closed, the folder to which the session writes its profile; None without a profile.
    :param made: The exposed tensors in order; None for the model's own outputs.
    """

    def __init__(  # noqa: PLR0913 - the parts of one session
        self,
        session: Any,
        model: Model,
        config: OrtConfig,
        *,
        threads: int,
        shapes: Shapes,
        folder: ExitStack | None,
        made: Sequence[Made] | None = None,
    ) -> None:
        self.inputs = _shapes.fixed([_types.input_info(argument) for argument in session.get_inputs()], shapes)
        outputs = tuple(_types.tensor_info(argument) for argument in session.get_outputs())
        self.outputs = outputs if made is None else _shown(outputs, made)
        self._made = made
        self._path = model.path
        self._config = config
        self._threads = threads
        self._folder = folder
        self._records: list[dict[str, Any]] | None = None
        self._session = session
        self._fast = self._make_call()
        self._call: Call = self._first

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; the arrays returned belong to the caller."""
        try:
            return self._call(feeds)
        except EngineError:
            raise
        except Exception as error:
            # feeds are checked only on failure: checking every time would be measured
            raise self._explained(feeds, error) from error

    def close(self) -> None:
        """Free the model and remove the profile's files."""
        self._call = self._fast = self._closed
        self._session = None
        if self._folder is not None:
            self._folder.close()

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-onnxruntime.md for each key."""
        session = self._opened()
        config, assigned = self._config, _providers.nodes(session)
        names = [_providers.short(name) for name in assigned or session.get_providers()]
        facts = {
            "version": onnxruntime.__version__,
            "distribution": getattr(onnxruntime, "package_name", ""),
            "build": onnxruntime.get_build_info(),
            "device": config.device,
            "processor": _providers.processor(config, assigned),
            **_precision.precision(self._path, config, names),
            "threads": self._threads,
            "inter_op_threads": _inter_op_threads(config, self._threads),
            "providers": list(session.get_providers()),
            **_assignment(assigned),
            "execution_mode": config.execution_mode,
            "graph_optimization": config.graph_optimization,
            "arena": config.arena,
            "memory_pattern": config.memory_pattern,
            "io_binding": config.io_binding,
            "provider_options": session.get_provider_options(),
            "session_options": dict(config.session_options),
            "makers": {
                computed.tensor: f"{computed.operator} {computed.node}".rstrip() for computed in self._made or ()
            }
            or None,
        }
        return {key: value for key, value in facts.items() if value not in ("", None)}

    def assigned(self) -> dict[str, list[tuple[str, str]]] | None:
        """Return each provider's nodes as (type, name); None if this version of onnxruntime does not report them."""
        return _providers.nodes(self._opened())

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each node, averaged over the runs so far; ends the recording."""
        session = self._opened()
        if self._folder is None:
            raise EngineError("the session was not opened with profile=True", where=str(self._path))
        if self._records is None:
            self._records = _profile.read(Path(session.end_profiling()))
            self._folder.close()
        return self._records

    def _make_call(self) -> Call:
        if self._config.io_binding:
            kind, number = ("cuda", int(self._config.unit or 0)) if self._on_cuda() else ("cpu", 0)
            return _calls.Binding(self._session, self.inputs, self.outputs, kind, number)
        if _calls.needs_values([*self.inputs, *self.outputs]):
            return _calls.through_values(self._session, self.inputs, self.outputs)
        return _calls.plain(self._session, self.outputs)

    def _on_cuda(self) -> bool:
        return _providers.short(self._config.provider) in {"cuda", "tensorrt"}

    def _first(self, feeds: Feeds) -> Outputs:
        """Check the feeds of the first run, since ONNX Runtime accepts some wrong ones, for example swapped bytes."""
        if problem := _feeds.problem(feeds, self.inputs):
            raise EngineError(problem[0], where=str(self._path), hint=problem[1])
        outputs = self._fast(feeds)
        self._call = self._fast
        return outputs

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        what, hint = _feeds.problem(feeds, self.inputs) or (f"onnxruntime: {plain_words(error)}", "")
        return EngineError(what, where=str(self._path), hint=hint)

    def _closed(self, feeds: Feeds) -> Outputs:
        raise EngineError("the session is closed", where=str(self._path))

    def _opened(self) -> Any:
        if self._session is None:
            self._closed({})
        return self._session


def _shown(outputs: Sequence[TensorInfo], made: Sequence[Made]) -> tuple[TensorInfo, ...]:
    """Return the outputs that are tensors, in computing order."""
    by_name = {info.name: info for info in outputs if _types.is_tensor(info)}
    return tuple(by_name[computed.tensor] for computed in made if computed.tensor in by_name)


def _inter_op_threads(config: OrtConfig, threads: int) -> int | None:
    return (config.inter_op_threads or threads) if config.execution_mode == "parallel" else None


def _assignment(assigned: dict[str, list[tuple[str, str]]] | None) -> dict[str, Any]:
    """Return the number of nodes by provider and the nodes themselves, or the reason why they are unknown."""
    if assigned is None:
        return {"nodes_reason": f"onnxruntime {onnxruntime.__version__} does not report which provider runs a node"}
    nodes = {provider: [list(node) for node in assigned_nodes] for provider, assigned_nodes in assigned.items()}
    return {
        "nodes": {provider: len(assigned_nodes) for provider, assigned_nodes in assigned.items()},
        "assignment": nodes,
    }
