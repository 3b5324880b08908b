"""ONNX to ncnn by pnnx, of whose package only the program is taken: the rest needs PyTorch, 5 GB of it."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, NoReturn

from lpbench.plugin.converter import Conversion, ConversionError, Converted, Converter
from lpbench.plugin.engine import EngineError, Model, TensorInfo
from lpbench.plugin.kit import onnx_prepare, tool_environments
from lpbench.plugin.kit.downloads import Package
from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpbench.plugin.kit.onnx_prepare import Source, Tensor

VERSION = "20261020"
FILE = "pnnx-{}-py3-none-manylinux2014_{}.manylinux_2_17_{}.whl"
WHEELS = {
    "x86_64": ("d50d921e5897293d616444191c1a2dc5366423c81bdb4bd22a985fe8071cf17c", 29444872),
    "aarch64": ("13727adb291bf8061a4cc95c8b911ff2459b406144ad3c86e755b6e3f8953427", 24748930),
}
"""Hash and size of the package's file for each kind of machine."""
TIMEOUT = 1800.0
TYPES = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "bool": "bool",
}
"""Numpy's names of types, and pnnx's."""
REFUSED = re.compile(r"(?:unexpected op_type|no such function with name) (\S+)")
"""How pnnx names operators that it does not know, before it crashes."""


class Pnnx(Converter):
    """pnnx; takes ONNX files."""

    def prepare(self) -> None:
        """Fetch pnnx unless it is in the cache.

        :raises ConversionError: There is none for this machine, or it cannot be fetched.
        """
        tool_environments.unpacked(_package())

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model; its inputs become ``in0``, ``in1`` and so on, its outputs ``out0`` and so on.

        :raises ConversionError: Naming operators that pnnx or ncnn do not have, and inputs or outputs that got lost.
        """
        program = tool_environments.unpacked(_package()) / "pnnx"
        try:
            found = onnx_prepare.prepare(source.path, wanted.scratch / "model.onnx", wanted.shapes)
        except onnx_prepare.SourceError as error:
            raise ConversionError(error.what, where=str(source.path), hint=error.hint) from error
        _run(program, found, wanted)
        inputs, outputs = _checked(wanted.folder / "model.param", found)
        model = Model("ncnn", wanted.folder / "model.param", (wanted.folder / "model.bin",), inputs, outputs)
        return Converted(model, {"pnnx": VERSION})


def _package() -> Package:
    machine = platform.machine()
    if machine not in WHEELS:
        raise ConversionError(
            f"there is no pnnx for {machine}; there is for {' and '.join(WHEELS)}",
            hint="convert on another machine and copy the app",
        )
    digest, size = WHEELS[machine]
    file = FILE.format(VERSION, machine, machine)
    about = f"pnnx-{VERSION}.dist-info/METADATA"
    members = {"pnnx/pnnx": "pnnx", about: "METADATA"}
    return Package("pip", "pnnx", VERSION, file, digest, size, "BSD-3-Clause", members)


def _run(program: Path, found: Source, wanted: Conversion) -> None:
    """Have pnnx write the two files; what else it writes goes to the scratch folder."""
    log = wanted.scratch / "pnnx.log"
    command = [
        *(str(program), "model.onnx"),
        f"inputshape={','.join(map(_shape, found.inputs))}",
        f"fp16={int(wanted.precision == 'F16')}",
        *(f"ncnn{end}={wanted.folder.resolve()}/model.{end}" for end in ("param", "bin")),
    ]
    try:
        status = processes.run(
            command, log=log, timeout=TIMEOUT, tick=lambda _: None, folder=wanted.scratch, own_group=False
        )
    except TimeoutError as error:
        raise ConversionError(f"pnnx {VERSION} {error}") from error
    if status or not (wanted.folder / "model.param").is_file():
        _refuse(log, status)


def _shape(each: Tensor) -> str:
    """Return an input's size and type as pnnx takes them."""
    if each.dtype not in TYPES:
        raise ConversionError(f'input "{each.name}" is {each.dtype}; pnnx takes {", ".join(TYPES)}')
    return f"[{','.join(map(str, each.shape))}]{TYPES[each.dtype]}"


def _refuse(log: Path, status: int) -> NoReturn:
    words = log.read_text("utf-8", "replace")
    unknown = sorted(set(REFUSED.findall(words)))
    if unknown:
        raise ConversionError(
            f"pnnx {VERSION} has no operator {', '.join(unknown)}",
            hint="convert the model without them, or use another engine",
        )
    said = [line.strip() for line in words.splitlines() if "failed" in line or "not support" in line]
    raise ConversionError(
        f"pnnx {VERSION} {processes.ending(status)} and wrote no network{f': {said[-1][:300]}' if said else ''}",
        hint="it crashes on models that hand an input or another output on unchanged, for one",
    )


def _checked(path: Path, found: Source) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs once all of them are in the file, and nothing that ncnn does not have."""
    import ncnn

    from lpbench_ncnn import _param

    try:
        graph = _param.read(path)
    except EngineError as error:
        raise ConversionError(f"pnnx {VERSION} wrote a network that cannot be used: {error.what}") from error
    unknown = graph.unknown(lambda kind: ncnn.layer_to_index(kind) >= 0)
    if unknown:
        raise ConversionError(
            f"ncnn {ncnn.__version__} has no operator {', '.join(unknown)}, which pnnx left as it was",
            hint="convert the model without them, or use another engine",
        )
    made = {layer.tops[0] for layer in graph.inputs}
    return _named(found.inputs, "in", made), _named(found.outputs, "out", set(graph.outputs))


def _named(tensors: Sequence[Tensor], word: str, made: set[str]) -> tuple[TensorInfo, ...]:
    """Return tensors under pnnx's names for them, which count."""
    lost = [each.name for at, each in enumerate(tensors) if f"{word}{at}" not in made]
    if lost:
        raise ConversionError(
            f"pnnx {VERSION} lost {word}put {', '.join(lost)}",
            hint="the model may hand something on unchanged, or take what it does not use",
        )
    return tuple(_info(f"{word}{at}", each) for at, each in enumerate(tensors))


def _info(name: str, each: Tensor) -> TensorInfo:
    sizes = tuple(size for size in each.shape if isinstance(size, int))
    known = sizes if len(sizes) == len(each.shape) else ()  # the engine finds out
    return TensorInfo(name, "float32" if "float" in each.dtype else "int32", known, alias=each.name)
