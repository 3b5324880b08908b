"""The graph of a model that a session runs, and its inputs and outputs as TensorInfo.

The interpreter itself runs the first graph only; others are reached through their signature.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench_tflite import _ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpbench.plugin.engine import Shapes, TensorInfo
    from lpbench.plugin.kit.tflite_file import Signature
    from lpbench_tflite._ports import Detail


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
        with _typed("input"):
            if self.runner and self.signature:
                return _ordered(self.runner.get_input_details().values(), self.signature.inputs.values())
            return _once(self.interpreter.get_input_details())

    @property
    def output_details(self) -> list[Detail]:
        """The interpreter's details of each output that the signature has, in the file's order."""
        with _typed("output"):
            if self.runner and self.signature:
                return _ordered(self.runner.get_output_details().values(), self.signature.outputs.values())
            details = _once(self.interpreter.get_output_details())
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


@contextlib.contextmanager
def _typed(kind: str) -> Iterator[None]:
    """Say why the interpreter refuses to describe its tensors."""
    try:
        yield
    except ValueError as error:
        raise EngineError(
            f"an {kind} has a type that LiteRT cannot pass from Python, such as bfloat16",
            hint="convert the model so that its inputs and outputs have types of numpy",
        ) from error


def _once(details: Iterable[Detail]) -> list[Detail]:
    """Return details without the repetitions of a tensor that a file lists several times."""
    return list({int(detail["index"]): detail for detail in details}.values())


def _ordered(details: Iterable[Detail], indices: Iterable[int]) -> list[Detail]:
    by_index = {int(detail["index"]): detail for detail in details}
    return [by_index[index] for index in dict.fromkeys(indices)]
