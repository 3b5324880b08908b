"""Type stubs of the real module ``tensorrt``, generated from it by pybind11-stubgen when the tests run.

They derive from NVIDIA's docstrings, so they are never kept in the repository.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugins.lpbench_trt.tests.real.wheels import Bindings

FUNCTION = re.compile(r"^(?P<indent> *)def (?P<name>\w+)\((?P<parameters>.*)\)(?P<returns> -> .*)?:$")
CONVERSIONS = {
    r"\bDims\b": "Dims | collections.abc.Sequence[int]",  # documented: any sequence of numbers serves as Dims
    r"\blist\[": "collections.abc.Sequence[",  # any sequence is read where older docstrings state a list
    r"\btyping\.Supports(?:Int|Index)\b": "int",  # subclasses get a plain number, and may say so
    r"\btyping\.SupportsFloat\b": "float",
    r"\b(?:typing_extensions\.CapsuleType|capsule)\b": "typing.Any",  # an address, or any of the library's objects
    r"\b(?:typing_extensions\.Buffer|buffer)\b": "bytes | bytearray | memoryview | mmap.mmap | IHostMemory",
}
"""Types of parameters that pybind11 converts, and what it accepts for them."""
RETURNS = {"get_error": " -> ParserError"}
"""Results of functions whose docstrings name a C++ class, of which the generator makes an ellipsis."""
PROTOCOLS = {
    "class IHostMemory:": ["    def __buffer__(self, flags: int, /) -> memoryview: ..."],
    "class Dims:": ["    def __iter__(self) -> collections.abc.Iterator[int]: ..."],
}
"""What C classes can do without a method of the name."""


def generate(bindings: Bindings, folder: Path) -> Path:
    """Write stubs that mypy reads into ``folder``, and return it."""
    bindings.run("-m", "pybind11_stubgen", "--output-dir", folder, "tensorrt")
    for path in (folder / "tensorrt").glob("*.pyi"):
        lines = readable(path.read_text(encoding="utf-8"))
        path.write_text("import builtins, collections.abc, mmap, typing\n" + "\n".join(lines), encoding="utf-8")
    return folder


def readable(stub: str) -> Iterator[str]:
    """Yield a stub's lines with signatures that are Python, and with the conversions that pybind11 does."""
    for line in stub.replace("from __future__ import annotations\n", "").splitlines():
        match = FUNCTION.match(line)
        yield _signature(match) if match else line
        yield from PROTOCOLS.get(line, ())


def _signature(match: re.Match[str]) -> str:
    """Return the line of a function; what cannot be written in Python, such as a C++ type, becomes any arguments."""
    parameters = _bool(re.sub(r"\bin: ", "in_: ", match["parameters"])).replace(": ...", ": typing.Any")
    for type_, accepted in CONVERSIONS.items():
        parameters = re.sub(type_, accepted, parameters)
    stated = _bool(match["returns"] or " -> typing.Any").replace("-> ...", "-> typing.Any")
    start, end = f"{match['indent']}def {match['name']}(", f"){RETURNS.get(match['name'], stated)}:"
    try:
        ast.parse(f"{start}{parameters}{end} ...".strip())
    except SyntaxError:
        parameters = "*args: typing.Any, **kwargs: typing.Any"
    return start + parameters + end


def _bool(types: str) -> str:
    """Return types in which ``bool`` is Python's: the module has a DataType of this name."""
    return re.sub(r"(?<!\.)\bbool\b", "builtins.bool", types)
