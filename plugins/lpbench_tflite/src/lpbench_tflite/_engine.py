"""Opens models with LiteRT."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.cores import physical_cores
from lpbench_tflite import _delegates, _model, _operators
from lpbench_tflite._calls import resize
from lpbench_tflite._library import Library, library
from lpbench_tflite._session import Loaded, TfliteSession, tensors
from lpbench_tflite.config import TfliteConfig

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.engine import Model, Session, Shapes
    from lpbench_tflite._model import Structure


class TfliteEngine(Engine[TfliteConfig]):
    """LiteRT; reads TFLite files."""

    def open(self, model: Model, config: TfliteConfig | None, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model; a delegate that takes none of it is an error.

        :param profile: Changes nothing: ``Session.profile`` refuses.
        :raises EngineError: Naming the model's file, what is wrong and what to do.
        """
        try:
            return _open(model.path, config or TfliteConfig(), shapes)
        except EngineError as error:
            raise EngineError(error.what, where=error.where or str(model.path), hint=error.hint) from error.__cause__


def _open(path: Path, config: TfliteConfig, shapes: Shapes) -> Session:
    found, structure = library(), _model.read(path)
    threads = config.threads or physical_cores()
    start = functools.partial(_ready, found, config, threads)
    interpreter = _load(path, found, config, threads, structure)
    delegated = _check_delegates(interpreter, config)
    _allocate(interpreter, structure, found)
    _fix(interpreter, shapes)
    fixed = frozenset(shapes)
    return TfliteSession(Loaded(path, config, threads, found, structure, interpreter, start, delegated, fixed))


def _load(path: Path, found: Library, config: TfliteConfig, threads: int, structure: Structure) -> Any:
    delegates = _delegates.load(config.delegates, found.api)
    try:
        return _interpreter(found, config, threads, delegates, model_path=str(path))
    except (ValueError, RuntimeError) as error:
        raise _explained(found, structure, error) from error


def _interpreter(found: Library, config: TfliteConfig, threads: int, delegates: list[Any], **model: str | bytes) -> Any:
    kinds = found.api.OpResolverType
    resolver = kinds.AUTO if config.xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return found.api.Interpreter(
        **model, num_threads=threads, experimental_delegates=delegates, experimental_op_resolver_type=resolver
    )


def _ready(found: Library, config: TfliteConfig, threads: int, content: bytes) -> Any:
    """Return an interpreter for a model of ours, without delegates."""
    interpreter = _interpreter(found, config, threads, [], model_content=content)
    interpreter.allocate_tensors()
    return interpreter


def _check_delegates(interpreter: Any, config: TfliteConfig) -> set[int]:
    """Return the operators that the delegates took.

    :raises EngineError: There are delegates, and they took none.
    """
    parts = _delegates.taken(interpreter) if config.delegates else []
    if config.delegates and not parts:
        names = ", ".join(f'"{each.library}"' for each in config.delegates)
        raise EngineError(
            f"no operator was taken over by {names}",
            hint="the CPU would run them all: leave the delegate out, or convert the model for it",
        )
    return set[int]().union(*parts)


def _allocate(interpreter: Any, structure: Structure, found: Library) -> None:
    try:
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise _explained(found, structure, error) from error


def _explained(found: Library, structure: Structure, error: Exception) -> EngineError:
    """Return the error with all operators that are missing, or in the library's words."""
    missing = _operators.missing(structure, lambda content: found.api.Interpreter(model_content=content))
    if missing:
        what = f"{found.distribution} {found.version} does not have these operators: {', '.join(missing)}"
        return EngineError(
            what, hint="a version needs a newer library; custom operators come with a delegate, if at all"
        )
    return EngineError(f"{found.distribution} {found.version} cannot load it: {' '.join(str(error).split())}")


def _fix(interpreter: Any, shapes: Shapes) -> None:
    """Give inputs the shapes that were asked for.

    :raises EngineError: A shape names no input, or contradicts the model.
    """
    inputs, _ = tensors(interpreter, frozenset())
    feed_checks.fixed(inputs, shapes)
    details = [each for each in interpreter.get_input_details() if each["name"] in shapes]
    if details:
        resize(interpreter, [each["index"] for each in details], [shapes[each["name"]] for each in details])
