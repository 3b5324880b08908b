"""The graph of a model that a session runs, and its inputs and outputs as TensorInfo.

The interpreter itself runs the first graph only; others are reached through their signature.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.plugin.engine import EngineError
from lpbench_tflite import _ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lpbench.plugin.engine import Shapes, TensorInfo
    from lpbench.plugin.kit.tflite_file import Signature
    from lpbench_tflite._ports import Detail

Details = TypeVar("Details")


class Entry:
    """The graph that a signature names, or the first one.

    :param interpreter: The interpreter, which allocates the first graph.
    :param signature: The signature to run; None for the whole first graph.
    :param shapes: Shapes that the caller fixed, by input name.
    """

    def __init__(self, interpreter: Any, signature: Signature | None, shapes: Shapes) -> None:
        self.interpreter = interpreter
        self.signature = signature
        self.runner = interpreter.get_signature_runner(signature.key) if signature and signature.graph else None
        """Runs a graph other than the first; None for the first."""
        self._shapes = shapes

    @property
    def input_details(self) -> list[Detail]:
        """The interpreter's details of each input, in the file's order."""
        if self.runner and self.signature:
            by_name = _described(self.runner.get_input_details, "input")
            return _ordered(by_name.values(), self.signature.inputs.values())
        return _once(_described(self.interpreter.get_input_details, "input"))

    @property
    def output_details(self) -> list[Detail]:
        """The interpreter's details of each output that the signature has, in the file's order."""
        if self.runner and self.signature:
            by_name = _described(self.runner.get_output_details, "output")
            return _ordered(by_name.values(), self.signature.outputs.values())
        details = _once(_described(self.interpreter.get_output_details, "output"))
        chosen = set(self.signature.outputs.values()) if self.signature else set()
        return [detail for detail in details if detail["index"] in chosen] or details

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs, with the fixed shapes."""
        return _ports.infos(self.input_details, "input", self._shapes)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs; sizes that follow from the fixed shapes are no longer open, except behind a runner."""
        settled = bool(self._shapes) and not self.runner and not any(info.dynamic for info in self.inputs)
        details = self.output_details
        infos = _ports.infos(details, "output", {})
        return tuple(map(_ports.settled, infos, details)) if settled else infos


def _described(details: Callable[[], Details], kind: str) -> Details:
    """Return the library's details of tensors.

    It knows bfloat16, which numpy lacks, once ml_dtypes has been imported.
    """
    try:
        return details()
    except UnicodeDecodeError:  # of a name, and a ValueError as well
        raise
    except ValueError as error:
        problem = error
    with contextlib.suppress(ImportError, ValueError):
        importlib.import_module("ml_dtypes")
        return details()
    raise EngineError(
        f"an {kind} has a type that LiteRT cannot pass from Python: {problem}",
        hint="pip install ml_dtypes for bfloat16; else convert the model to types that numpy has",
    ) from problem


def _once(details: Iterable[Detail]) -> list[Detail]:
    """Return details without the repetitions of a tensor that a file lists several times."""
    return list({int(detail["index"]): detail for detail in details}.values())


def _ordered(details: Iterable[Detail], indices: Iterable[int]) -> list[Detail]:
    by_index = {int(detail["index"]): detail for detail in details}
    return [by_index[index] for index in dict.fromkeys(indices)]
