"""An analyzer of formulas: each output is a product of the first input with a matrix as wide as it is long.

``order`` makes it fail: "crash", "grow", "lie", "raise", "negative", "odd"; "magic" adds an operator without a rule.
If it is a path, a line is added to that file whenever the model is analysed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.analyzer import Analysis, Analyzer
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit.operator_costs import Operand, Operation, analysis_of, matrix_product

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model, Shapes

HUGE = 1 << 40


class Weigher(Analyzer):
    """Reads the object."""

    def __init__(self, model: Model) -> None:
        self._found: dict[str, Any] = json.loads(model.path.read_bytes())
        order = self._found.get("order", "")
        if "/" in order:
            with Path(order).open("a", encoding="ascii") as file:
                file.write("analysed\n")

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs that the object states."""
        return tuple(TensorInfo(each["name"], "float32", tuple(each["shape"])) for each in self._found["inputs"])

    def analyze(self, shapes: Shapes) -> Analysis:
        """Return the costs of the products, after what the object orders."""
        order = self._found.get("order")
        if order == "crash":
            os.abort()
        if order == "grow":
            bytearray(HUGE)
        if order == "raise":
            raise ArithmeticError("no rule")
        if order == "lie":
            return Analysis((), (), "layers", 1, 1, 1, "F32")  # type: ignore[arg-type] # the test
        read = Operand(self.inputs[0].name, tuple(shapes[self.inputs[0].name]), "float32")
        size = shapes[read.name][-1]
        weight = Operand("w", (size, size), "float32", "learned")
        operations = [
            Operation(each["name"], "MatMul", matrix_product(read.shape, size), (read, weight), (_like(read, each),))
            for each in self._found["outputs"]
        ]
        unknown = [Operation("trick", "Magic", None, (read,), (read,))] if order == "magic" else []
        inputs = tuple(TensorInfo(each.name, each.dtype, tuple(shapes[each.name])) for each in self.inputs)
        outputs = tuple(TensorInfo(each["name"], "float32", read.shape or ()) for each in self._found["outputs"])
        found = analysis_of(inputs, outputs, [*operations, *unknown])
        if order == "negative":
            return replace(found, params=-5)
        odd = tuple(replace(each, kind="odd") for each in found.layers)
        return replace(found, layers=odd) if order == "odd" else found


def _like(operand: Operand, output: dict[str, Any]) -> Operand:
    return Operand(output["name"], operand.shape, operand.dtype)
