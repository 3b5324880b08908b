"""Finds the operators of a model that LiteRT does not have, or that the config's delegates leave to the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import tflite_file, tflite_layers
from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench.plugin.operators import UnsupportedOperator, grouped
from lpbench_tflite import _delegates, _operators
from lpbench_tflite._engine import with_delegates
from lpbench_tflite._library import library
from lpbench_tflite.config import TfliteConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.plugin.engine import Model
    from lpbench.plugin.kit.tflite_layers import Layer


def operators(model: Model, config: TfliteConfig | None) -> tuple[UnsupportedOperator, ...]:
    """Return the operators of all graphs that LiteRT lacks, else those that the config's delegates do not run.

    :raises EngineError: The model cannot be loaded for another reason, or the library does not tell what delegates run.
    """
    config = config or TfliteConfig()
    if lacking := list(_lacking(model)):
        return grouped(lacking)
    if not config.delegates:
        return ()
    interpreter = with_delegates(model.path, config)
    left = _delegates.left(interpreter)
    if left is None:
        raise EngineError("the library does not report which operators its delegates run", where=str(model.path))
    names = [tensor.name for tensor in tflite_layers.read(model.path)[0].tensors]
    return grouped((kind, names[tensor], "runs on the CPU") for kind, tensor in left)


def _lacking(model: Model) -> Iterator[tuple[str, str, str]]:
    """Yield the operators that the library lacks, as type, name and reason."""
    lib, structure = library(), tflite_file.read(model.path)
    absent = _operators.absent(structure, lambda content: lib.api.Interpreter(model_content=content))
    for graph in tflite_layers.read(model.path):
        for layer in graph.layers:
            if kind := _kind(layer, absent):
                yield kind, graph.name(layer), f"{lib.distribution} {lib.version} does not have it"


def _kind(layer: Layer, absent: dict[tuple[int, int], str]) -> str:
    """Return what an operator is called if the library lacks it; else an empty text."""
    if layer.code == CUSTOM:
        return "" if layer.custom in _operators.KNOWN_CUSTOM else layer.custom
    return absent.get((layer.code, layer.version), "")
