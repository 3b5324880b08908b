"""A converter that is correct by default and commits the fault in its model's ``converter``."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from lpbench.plugin import progress
from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import Model, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTEAD = {
    "wrong softmax": {"softmax": "ones"},
    "constant": {"softmax": "half"},
    "not a number": {"softmax": "nan"},
    "permuted": {"double": "backwards"},
    "too short": {"double": "shorter"},
    "wrong index": {"largest": "smallest"},
}
"""The wrong formula that each fault writes instead of the right one."""


class Maker(Converter):
    """Formulas to tables; counts its calls in the file that MAKER_LOG names."""

    def prepare(self) -> None:
        """Fail as MAKER_PREPARE says; there is no tool to fetch."""
        if os.environ.get("MAKER_PREPARE") == "offline":
            raise ConversionError(
                "make-tool 1.0: pip failed (the registry cannot be reached)",
                hint="pip config list shows where pip looks",
            )
        if os.environ.get("MAKER_PREPARE") == "no python":
            raise ConversionError("make-tool needs Python 3.12 or newer, and none is here", hint="install one")

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Write a table."""
        if log := os.environ.get("MAKER_LOG"):
            with open(log, "a", encoding="ascii") as file:  # noqa: PTH123 - appended to
                file.write("converted\n")
        found = json.loads(source.path.read_bytes())
        order = found.pop("converter", "")
        _misbehave(order)
        for each in found["inputs"]:
            each["shape"] = _closed(each, wanted)
        aliases = [each["name"] for each in found["outputs"]][:: -1 if order == "swapped" else 1]
        formulas = [INSTEAD.get(order, {}).get(each["formula"], each["formula"]) for each in found["outputs"]]
        if wanted.precision == "F16":
            formulas = ["rough" if each == "double" else each for each in formulas]
        found["outputs"] = [{"name": f"out{at}", "formula": each} for at, each in enumerate(formulas)]
        if order == "too few":
            del found["outputs"][1:]
        if order == "makes crash":
            found["order"] = "crash at load"
        return _write(found, order, source, wanted.folder, aliases)


def _misbehave(order: str) -> None:
    sys.stdout.write("making\n")
    sys.stdout.flush()
    wrongs: dict[str, Callable[[], object]] = {
        "crash": lambda: ctypes.string_at(0),
        "abort": os.abort,
        "exit": lambda: os._exit(3),
        "silent": lambda: os._exit(0),
        "hang": lambda: time.sleep(600),
        "slow": _report,
        "bug": lambda: int("no number"),
        "operator": _refuse,
    }
    wrongs.get(order, lambda: None)()


def _report() -> None:
    for done in range(6):
        progress.report("compiling", done / 6)
        time.sleep(0.5)


def _refuse() -> None:
    raise ConversionError('operator "Einsum" is not supported', hint="rewrite it")


def _closed(said: dict[str, Any], wanted: Conversion) -> list[int]:
    shape = wanted.shapes.get(said["name"], said["shape"])
    if not all(isinstance(size, int) for size in shape):
        raise ConversionError(f'input "{said["name"]}" is open and the shape of it was not given')
    return list(shape)


def _write(found: dict[str, Any], order: str, source: Model, folder: Path, aliases: list[str]) -> Converted:
    """Write the table, with channels last for image inputs."""
    called, shape = found["inputs"][0]["name"], found["inputs"][0]["shape"]
    layout = "NHWC" if len(shape) == len("NHWC") else ""
    if layout:
        shape = [shape[0], *shape[2:], shape[1]]
    dtype = found["inputs"][0].get("dtype", "float32").replace("float16", "float32")  # as converters do
    found["inputs"] = [{**found["inputs"][0], "name": "in0", "shape": shape, "dtype": dtype}]
    inputs = (TensorInfo("in0", "", (), layout, alias=called),)
    outputs = tuple(
        TensorInfo(each["name"], "", (), layout, alias=alias)
        for each, alias in zip(found["outputs"], aliases, strict=False)
    )
    path = folder / "model.table"
    extra = (folder / "model.weights",) if "weights" in found else ()
    if extra:
        extra[0].write_bytes((source.path.parent / found["weights"]).read_bytes())
        found["weights"] = "model.weights"
    text = {"broken file": "{", "empty": ""}.get(order, json.dumps(found))
    if order != "missing":
        path.write_text(text, encoding="ascii")
    if order == "elsewhere":
        path = source.path
    return Converted(Model("table", path, extra, inputs, outputs), {"make-tool": "1.0"})
