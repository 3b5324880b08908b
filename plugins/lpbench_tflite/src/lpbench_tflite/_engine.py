"""Opens models with LiteRT."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit import feed_checks, tflite_file
from lpbench.plugin.kit.cores import physical_cores
from lpbench_tflite import _delegates, _operators
from lpbench_tflite._calls import resize
from lpbench_tflite._entry import Entry
from lpbench_tflite._library import Library, library
from lpbench_tflite._session import Loaded, TfliteSession
from lpbench_tflite.config import TfliteConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Model, Session, Shapes
    from lpbench.plugin.kit.tflite_file import Signature, Structure


class TfliteEngine(Engine[TfliteConfig]):
    """LiteRT; reads TFLite files."""

    def open(self, model: Model, config: TfliteConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model; a delegate that accepts no operator is an error.

        :param profile: Has no effect; ``Session.profile`` always refuses.
        :raises EngineError: The model cannot be loaded as requested; the error names the file.
        """
        try:
            return _open(model, config or TfliteConfig(), shapes)
        except EngineError as error:
            error.where = error.where or str(model.path)
            raise
        except UnicodeDecodeError as error:  # the library hands out names as they are
            raise EngineError(f"a name in it is not UTF-8: {error}", where=str(model.path)) from error


def _open(model: Model, config: TfliteConfig, shapes: Shapes) -> Session:
    path = model.path
    lib, structure = library(), tflite_file.read(path)
    signature = _deciding_signature(structure, config.signature)
    threads = config.threads or physical_cores()
    start = functools.partial(_ready, lib, config, threads)
    interpreter = _load(path, lib, config, threads, structure)
    delegated = _check_delegates(interpreter, config)
    _allocate(interpreter, structure, lib)
    free = Entry(interpreter, signature, {})
    unranked = _unranked(free, structure)
    shapes = feed_checks.ranked(unranked, model.inputs, shapes)
    _fix(free, shapes, unranked)
    entry = Entry(interpreter, signature, shapes)
    return TfliteSession(Loaded(path, config, threads, lib, structure, entry, start, delegated))


def with_delegates(path: Path, config: TfliteConfig) -> Any:
    """Return an interpreter of a model with the config's delegates, whose tensors are not allocated.

    :raises EngineError: As ``TfliteEngine.open``.
    """
    interpreter = _load(path, library(), config, 1, tflite_file.read(path))
    _check_delegates(interpreter, config)
    return interpreter


def _deciding_signature(structure: Structure, key: str) -> Signature | None:
    """Return the signature that was asked for, or that names another graph; None to run the whole first graph.

    :raises EngineError: There are several and none was asked for, or there is none of this name.
    """
    signature = structure.signature(key)
    return signature if signature and (key or signature.graph) else None


def _load(path: Path, lib: Library, config: TfliteConfig, threads: int, structure: Structure) -> Any:
    delegates = _delegates.load(config.delegates, lib.api)
    try:
        return _interpreter(lib, config, threads, delegates, model_path=str(path))
    except (ValueError, RuntimeError) as error:
        raise _explained(lib, structure, error) from error


def _interpreter(lib: Library, config: TfliteConfig, threads: int, delegates: list[Any], **model: str | bytes) -> Any:
    kinds = lib.api.OpResolverType
    resolver = kinds.AUTO if config.xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return lib.api.Interpreter(
        **model, num_threads=threads, experimental_delegates=delegates, experimental_op_resolver_type=resolver
    )


def _ready(lib: Library, config: TfliteConfig, threads: int, content: bytes) -> Any:
    """Return an interpreter for a model's content, without delegates and with allocated tensors."""
    interpreter = _interpreter(lib, config, threads, [], model_content=content)
    interpreter.allocate_tensors()
    return interpreter


def _check_delegates(interpreter: Any, config: TfliteConfig) -> set[int]:
    """Return the indices of the operators that run on delegates.

    :raises EngineError: Delegates are configured, and they accepted no operator.
    """
    parts = _delegates.taken(interpreter) if config.delegates else []
    if config.delegates and not parts:
        names = ", ".join(f'"{delegate.library}"' for delegate in config.delegates)
        raise EngineError(
            f"no operator was accepted by {names}",
            hint="the CPU would run all of them: leave the delegate out, or convert the model for it",
        )
    return set[int]().union(*parts)


def _allocate(interpreter: Any, structure: Structure, lib: Library) -> None:
    try:
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise _explained(lib, structure, error) from error


def _explained(lib: Library, structure: Structure, error: Exception) -> EngineError:
    """Return the error with all missing operators, or with the library's message."""
    missing = _operators.missing(structure, lambda content: lib.api.Interpreter(model_content=content))
    if missing:
        what = f"{lib.distribution} {lib.version} does not have these operators: {', '.join(missing)}"
        return EngineError(
            what, hint="newer versions of an operator need a newer library; custom operators need a delegate"
        )
    return EngineError(f"{lib.distribution} {lib.version} cannot load the model: {' '.join(str(error).split())}")


def _unranked(entry: Entry, structure: Structure) -> list[str]:
    """Return the names of the inputs of which not even the number of dimensions is known."""
    tensors = structure.graphs[entry.signature.graph if entry.signature else 0].tensors
    pairs = zip(entry.inputs, entry.input_details, strict=True)
    return [info.name for info, detail in pairs if not tensors[detail["index"]].ranked]


def _fix(entry: Entry, shapes: Shapes, unranked: Sequence[str]) -> None:
    """Give inputs the requested shapes; a runner takes them from what it is fed.

    :param unranked: Names of the inputs that take any number of dimensions.
    :raises EngineError: A shape is for an unknown input, or contradicts the model.
    """
    inputs = [
        dataclasses.replace(info, shape=shapes[info.name]) if info.name in unranked else info for info in entry.inputs
    ]
    feed_checks.fixed(inputs, shapes)
    pairs = zip(entry.inputs, entry.input_details, strict=True)
    indices = {info.name: detail["index"] for info, detail in pairs if info.name in shapes}
    if indices and not entry.runner:
        free = {indices[name] for name in unranked}
        resize(entry.interpreter, list(indices.values()), [shapes[name] for name in indices], free=free)
