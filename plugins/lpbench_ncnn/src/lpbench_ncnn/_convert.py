"""Converts ONNX to ncnn with pnnx; only the program is taken from its package, which requires PyTorch (5 GB)."""

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
"""SHA-256 and size of the package's file for each machine type."""
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
"""Numpy's names of types, with pnnx's."""
REFUSED = re.compile(r"(?:unexpected op_type|no such function with name) (\S+)")
"""Matches the unknown operators that pnnx names before it crashes."""


class Pnnx(Converter):
    """pnnx; reads ONNX files."""

    def prepare(self) -> None:
        """Fetch pnnx unless it is in the cache.

        :raises ConversionError: pnnx is not available for this machine, or cannot be fetched.
        """
        tool_environments.unpacked(_package())

    def convert(self, source: Model, wanted: Conversion, /) -> Converted:
        """Convert a model; its inputs become ``in0``, ``in1`` and so on, its outputs ``out0`` and so on.

        :raises ConversionError: pnnx fails, or its result is incomplete; unsupported operators and dropped inputs or
            outputs are named.
        """
        program = tool_environments.unpacked(_package()) / "pnnx"
        try:
            prepared = onnx_prepare.prepare(source.path, wanted.scratch / "model.onnx", wanted.shapes)
        except onnx_prepare.SourceError as error:
            raise ConversionError(error.what, where=str(source.path), hint=error.hint) from error
        _run(program, prepared, wanted)
        inputs, outputs = _checked(wanted.folder / "model.param", prepared)
        weights = wanted.folder / "model.bin"
        if weights.is_file() and not weights.stat().st_size:  # a model without weights
            weights.unlink()
        extra = (weights,) if weights.exists() else ()
        model = Model("ncnn", wanted.folder / "model.param", extra, inputs, outputs)
        return Converted(model, {"pnnx": VERSION})


def _package() -> Package:
    machine = platform.machine()
    if machine not in WHEELS:
        raise ConversionError(
            f"pnnx is not available for {machine}, only for {' and '.join(WHEELS)}",
            hint="convert the model on another machine and copy the app",
        )
    digest, size = WHEELS[machine]
    file = FILE.format(VERSION, machine, machine)
    about = f"pnnx-{VERSION}.dist-info/METADATA"
    members = {"pnnx/pnnx": "pnnx", about: "METADATA"}
    return Package("pip", "pnnx", VERSION, file, digest, size, "BSD-3-Clause", members)


def _run(program: Path, source: Source, wanted: Conversion) -> None:
    """Run pnnx to write the two files; its other files go to the scratch folder."""
    log = wanted.scratch / "pnnx.log"
    command = [
        *(str(program), "model.onnx"),
        f"inputshape={','.join(map(_shape, source.inputs))}",
        f"fp16={int(wanted.precision == 'F16')}",
        *(f"ncnn{end}={wanted.folder.resolve()}/model.{end}" for end in ("param", "bin")),
    ]
    try:
        status = processes.run(command, log=log, timeout=TIMEOUT, tick=lambda _: None, folder=wanted.scratch)
    except TimeoutError as error:
        raise ConversionError(f"pnnx {VERSION} {error}") from error
    if status or not (wanted.folder / "model.param").is_file():
        _refuse(log, status)


def _shape(tensor: Tensor) -> str:
    """Return an input's shape and type in pnnx's notation."""
    if tensor.dtype not in TYPES:
        raise ConversionError(f'input "{tensor.name}" is {tensor.dtype}; pnnx supports {", ".join(TYPES)}')
    return f"[{','.join(map(str, tensor.shape))}]{TYPES[tensor.dtype]}"


def _refuse(log: Path, status: int) -> NoReturn:
    output = log.read_text("utf-8", "replace")
    unknown = sorted(set(REFUSED.findall(output)))
    if unknown:
        raise ConversionError(
            f"pnnx {VERSION} does not support these operators: {', '.join(unknown)}",
            hint="convert the model without them, or use another engine",
        )
    complaints = [line.strip() for line in output.splitlines() if "failed" in line or "not support" in line]
    reason = f": {complaints[-1][:300]}" if complaints else ""
    raise ConversionError(
        f"pnnx {VERSION} {processes.ending(status)} without writing a network{reason}",
        hint="pnnx crashes, for example, on models that pass an input or another output through unchanged",
    )


def _checked(path: Path, source: Source) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs, after checking that the file has all of them and no unsupported operators."""
    import ncnn

    from lpbench_ncnn import _param

    try:
        graph = _param.read(path)
    except EngineError as error:
        raise ConversionError(f"pnnx {VERSION} wrote an unusable network: {error.what}") from error
    unknown = graph.unknown(lambda kind: ncnn.layer_to_index(kind) >= 0)
    if unknown:
        raise ConversionError(
            f"ncnn {ncnn.__version__} does not support these operators: {', '.join(unknown)}",
            hint="pnnx left them unconverted: convert the model without them, or use another engine",
        )
    produced = {layer.tops[0] for layer in graph.inputs}
    return _named(source.inputs, "in", produced), _named(source.outputs, "out", set(graph.outputs))


def _named(tensors: Sequence[Tensor], word: str, produced: set[str]) -> tuple[TensorInfo, ...]:
    """Return tensors under the names that pnnx gives them: ``word`` with their index."""
    dropped = [tensor.name for index, tensor in enumerate(tensors) if f"{word}{index}" not in produced]
    if dropped:
        raise ConversionError(
            f"pnnx {VERSION} dropped the {word}puts {', '.join(dropped)}",
            hint="the model may pass a tensor through unchanged, or have an input that it does not use",
        )
    return tuple(_info(f"{word}{index}", tensor) for index, tensor in enumerate(tensors))


def _info(name: str, tensor: Tensor) -> TensorInfo:
    sizes = tuple(size for size in tensor.shape if isinstance(size, int))
    known = sizes if len(sizes) == len(tensor.shape) else ()  # the engine determines it
    return TensorInfo(name, "float32" if "float" in tensor.dtype else "int32", known, alias=tensor.name)
