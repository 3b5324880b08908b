"""Builds plans from the models of a folder, in a process of its own; prints what became of each as JSON.

``python build_all.py FOLDER REQUESTS``: requests are ``[name, file, precision, options, shapes]`` in JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin import progress
from lpbench.plugin.converter import Conversion
from lpbench.plugin.engine import Model
from lpbench.util import dataclass_config
from lpbench_trt import _loading
from lpbench_trt._convert import TensorrtConverter, bound
from lpbench_trt._library import trt
from lpbench_trt._logger import log
from lpbench_trt._operators import operators
from lpbench_trt._plans import Plan
from lpbench_trt.config import PlanConfig, TensorrtConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(folder: Path, requests: list[Any]) -> None:
    """Print the outcome of each request by its name."""
    progress.EVERY = 0  # small models are built faster than a screen is read
    told = {name: _build(folder, name, request) for name, *request in requests}
    told["operators"] = _unsupported(folder)
    print(json.dumps({**told, "bound": bound(PlanConfig()), "foreign": _foreign(folder)}))  # noqa: T201 - the answer to the test


def _build(folder: Path, name: str, request: Sequence[Any]) -> dict[str, Any]:
    file, precision, options, shapes = request
    target = folder / "plans" / name
    target.mkdir(parents=True)
    config = dataclass_config.build(PlanConfig, options)
    wanted = Conversion(target, target, precision, {key: tuple(shape) for key, shape in shapes.items()}, config)
    heard: list[float | None] = []
    try:
        with progress.listening(lambda activity: heard.append(activity.done)):
            made = TensorrtConverter().convert(Model("onnx", folder / file), wanted)
    except LpbenchError as error:
        return {"error": str(error), "left": [path.name for path in target.iterdir()]}
    inputs, outputs = (
        {info.name: [info.dtype, info.shape] for info in side} for side in (made.model.inputs, made.model.outputs)
    )
    return {
        "bytes": made.model.path.stat().st_size,
        "inputs": inputs,
        "outputs": outputs,
        "tools": made.tools,
        "done": heard,
    }


def _unsupported(folder: Path) -> dict[str, Any]:
    """Return the operators that are said to be unsupported, by the model's file and the device."""
    asked = [("unknown.onnx", "gpu"), ("cast.onnx", "gpu"), ("cast.onnx", "dla:0")]
    said = {}
    for file, device in asked:
        if (folder / file).exists():
            config = TensorrtConfig(device=device, precision="F16")
            found = operators(Model("onnx", folder / file), config)
            said[f"{file} {device}"] = [[each.type, each.names, each.reason] for each in found]
    return said


def _foreign(folder: Path) -> list[str]:
    """Return what is said of plans that are none of this library's, or damaged."""
    good_plan = folder / "plans" / "good" / "model.plan"
    if not good_plan.exists():
        return []
    runtime, said, good = trt.Runtime(log()), [], good_plan.read_bytes()
    for content in (b"ftrt" + bytes(1000), good[: len(good) // 2], good[:64] + bytes(len(good) - 64), b"x"):
        log().clear()
        try:
            _loading._engine(runtime, Plan(content, folder / "foreign.plan"))
        except LpbenchError as error:
            said.append(str(error))
        else:
            said.append("")
    return said


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
