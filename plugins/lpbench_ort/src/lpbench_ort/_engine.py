"""Opens models with ONNX Runtime."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import onnxruntime

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit import feed_checks, onnx_shapes
from lpbench.plugin.kit.cores import physical_cores
from lpbench.util.atomic_folders import temporary
from lpbench_ort import _exposed, _providers, _shapes
from lpbench_ort._session import OrtSession
from lpbench_ort._text import plain_words
from lpbench_ort.config import OrtConfig, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model, Session, Shapes
    from lpbench_ort._model import Made

LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}
HINTS = (  # the first one with a part that occurs in ONNX Runtime's message is used
    (("rotobuf parsing failed", "No graph was found"), "it is not an ONNX model, or it is truncated: fetch it again"),
    (("xternal", "get file size"), "its weights are in a separate file, which must be complete and in the same folder"),
    (("opset", "IR version"), "it needs a newer onnxruntime: pip install --upgrade onnxruntime"),
    (("No Op registered",), "it needs a newer onnxruntime, or operators that onnxruntime does not have"),
    (("find an implementation",), "this device has no kernel for that operator and type; convert the model"),
)


class OrtEngine(Engine[OrtConfig]):
    """ONNX Runtime; reads ONNX files and files in ORT format."""

    def open(self, model: Model, config: OrtConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model on the config's device, without falling back to another one.

        :raises EngineError: The model cannot be loaded, or the device does not accept it; the error names the file.
        """
        return _named(model, lambda: _open(model, config or OrtConfig(), shapes, profile=profile))

    def open_exposed(self, model: Model, config: OrtConfig | None, /, *, shapes: Shapes) -> Session:
        """Load the model with every computed tensor as an output; ``describe`` returns ``makers``.

        :raises EngineError: As for ``open``, or the file is in ORT format.
        """
        return _named(model, lambda: _open(model, config or OrtConfig(), shapes, exposed=True))


def _named(model: Model, opens: Callable[[], Session]) -> Session:
    """Open a session; add the model's file to errors."""
    try:
        return opens()
    except EngineError as error:
        error.where = error.where or str(model.path)
        raise
    except UnicodeDecodeError as error:  # the library hands out names as they are
        raise EngineError(f"a name in it is not UTF-8: {error}", where=str(model.path)) from error


def _open(
    model: Model, config: OrtConfig, shapes: Shapes, *, profile: bool = False, exposed: bool = False
) -> OrtSession:
    _check_files(model)
    made = _exposed.exposed(model) if exposed else None
    shapes = _ranked(model, shapes)
    provider = _providers.resolve(config)
    threads = config.threads or physical_cores()
    with contextlib.ExitStack() as stack:
        options = _options(config, threads, stack.enter_context(temporary("ort")) if profile else None)
        for name, size in _overrides(model.path, shapes).items():
            options.add_free_dimension_override_by_name(name, size)
        source = _source(model.path, options, made)
        session = _load(source, options, config, provider)
        _providers.refuse_absent(session, config, provider)
        folder = stack.pop_all() if profile else None
        return OrtSession(session, model, config, threads=threads, shapes=shapes, folder=folder, made=made)


def _check_files(model: Model) -> None:
    for path in (model.path, *model.extra):
        if not path.is_file():
            raise EngineError(
                f"{path.name} {'is not a file' if path.exists() else 'does not exist'}",
                hint=f"looked in {path.parent.resolve()}",
            )
    if not model.path.stat().st_size:
        raise EngineError(f"{model.path.name} is empty", hint="fetch or export it again")


def _ranked(model: Model, shapes: Shapes) -> Shapes:
    """Return the requested shapes and those that the app states of inputs of unknown rank.

    ONNX Runtime reports such an input as it reports a scalar, and would run it as one.
    """
    try:
        unranked = [] if model.path.suffix == ".ort" else onnx_shapes.unranked_inputs(model.path)
    except ValueError:  # not an ONNX model: loading it gives a better error
        return shapes
    return feed_checks.ranked(unranked, model.inputs, shapes)


def _source(path: Path, options: Any, made: Sequence[Made] | None) -> str | bytes:
    """Return what ONNX Runtime loads: the file's path, or its content with additional outputs."""
    if made is None:
        return str(path)
    options.add_session_config_entry(_exposed.FOLDER, str(path.parent.resolve()))
    return _exposed.content(path, [computed.tensor for computed in made if not computed.ends])


def _load(source: str | bytes, options: Any, config: OrtConfig, provider: str) -> Any:
    onnxruntime.disable_telemetry_events()
    _providers.preload(provider)
    providers = _providers.requested(config, provider)
    try:
        # without enable_fallback=False it would print an error and continue on the CPU
        return onnxruntime.InferenceSession(source, options, providers=providers, enable_fallback=False)
    except Exception as error:
        if _providers.library_problem(provider):
            raise _providers.absent(config, provider) from error
        text = plain_words(error)
        hint = next((hint for parts, hint in HINTS if any(part in text for part in parts)), "")
        what = f'onnxruntime {onnxruntime.__version__} cannot load the model on device "{config.device}": {text}'
        raise EngineError(what, hint=hint) from error


def _options(config: OrtConfig, threads: int, folder: Path | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = config.inter_op_threads or threads
    options.execution_mode = getattr(onnxruntime.ExecutionMode, f"ORT_{config.execution_mode.upper()}")
    options.graph_optimization_level = _level(config.graph_optimization)
    options.enable_cpu_mem_arena = config.arena
    options.enable_mem_pattern = config.memory_pattern
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    for key, value in words(config.session_options).items():
        options.add_session_config_entry(key, value)
    if folder is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
    return options


def _level(name: str) -> Any:
    try:
        return getattr(onnxruntime.GraphOptimizationLevel, LEVELS[name])
    except AttributeError:
        raise EngineError(
            f'onnxruntime {onnxruntime.__version__} has no graph_optimization "{name}"', hint='"all" includes it'
        ) from None


def _overrides(path: Path, shapes: Shapes) -> dict[str, int]:
    """Return sizes for the model's named dimensions; none for ORT format, which was planned when written."""
    if not shapes or path.suffix.lower() == ".ort":
        return {}
    try:
        return _shapes.overrides(onnx_shapes.input_shapes(path), shapes)
    except ValueError:  # not an ONNX model: loading it gives a better error
        return {}
