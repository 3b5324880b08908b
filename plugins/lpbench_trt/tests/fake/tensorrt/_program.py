"""What building makes of a network: all that a plan holds."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from . import _cuda
from ._enums import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = b"FAKEPLAN"
Shape = tuple[int, ...]
Range = tuple[Shape, Shape, Shape]
"""Minimum, optimum, maximum."""


class Refused(Exception):  # noqa: N818 - not an error of the program
    """A plan that is not loaded."""


@dataclass(frozen=True)
class Tensor:
    """An input or output: its shape has -1 where it varies."""

    name: str
    is_input: bool
    dtype: str
    shape: Shape
    element_type: int
    """The type that the model gives it, as ONNX numbers them."""


@dataclass(frozen=True)
class Layer:
    name: str
    operator: str
    kind: str
    precision: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    on_dla: bool = False

    @property
    def nanoseconds(self) -> int:
        """How long it takes on the modelled clock."""
        return 2000 + zlib.crc32(self.name.encode()) % 1000


@dataclass(frozen=True)
class Program:
    """A network and how it computes."""

    name: str
    model: bytes
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    profiles: tuple[dict[str, Range], ...]
    shape_inputs: tuple[str, ...]
    """The inputs whose values decide shapes, and which lie in host memory."""
    data_dependent: tuple[str, ...]
    """The outputs whose shapes the data decide."""
    intermediates: dict[str, Shape]
    """The shapes of what lies between the layers, as far as they are known."""
    weights_bytes: int
    activation_bytes: int
    verbosity: str
    tf32: bool
    dla_core: int | None = None

    def tensor(self, name: str) -> Tensor | None:
        return next((each for each in self.tensors if each.name == name), None)


def capability() -> str:
    """Return the compute capability of the device, for example "8.7"."""
    number = _cuda.number("FAKE_COMPUTE", 87)
    return f"{number // 10}.{number % 10}"


def _layout() -> str:
    """Return what a plan must have been written by: this version, with these fields."""
    return f"{VERSION} {','.join(each.name for kind in (Program, Layer, Tensor) for each in fields(kind))}"


def write(program: Program) -> bytes:
    """Return the plan."""
    values = asdict(program) | {"model": program.model.hex()}
    body = json.dumps(values).encode()
    head = json.dumps(
        {"version": _layout(), "capability": capability(), "digest": hashlib.sha256(body).hexdigest()}
    ).encode()
    return MAGIC + len(head).to_bytes(4, "little") + head + body


def read(plan: bytes) -> Program:
    """Return what a plan holds.

    :raises Refused: If it is not one of this library, of this version, for this device, and whole; with the reason.
    """
    if plan[: len(MAGIC)] != MAGIC:
        raise Refused(
            "Serialization (Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match)"
        )
    end = len(MAGIC) + 4 + int.from_bytes(plan[len(MAGIC) : len(MAGIC) + 4], "little")
    body = plan[end:]
    try:
        head = json.loads(plan[len(MAGIC) + 4 : end])
        version, where, digest = head["version"], head["capability"], head["digest"]
    except (ValueError, KeyError, TypeError):
        raise Refused("Serialization (Serialization assertion header.isValid() failed.)") from None
    if version != _layout():
        text = "Serialization assertion stdVersionRead == kSERIALIZATION_VERSION failed.Version tag does not match."
        raise Refused(
            f"Serialization ({text} Note: Current Version: {_layout()}, Serialized Engine Version: {version})"
        )
    if where != capability():
        text = "The engine plan file is generated on an incompatible device, expecting compute"
        raise Refused(f"Internal Error ({text} {capability()} got compute {where}, please rebuild.)")
    if hashlib.sha256(body).hexdigest() != digest:
        raise Refused("Serialization (Serialization assertion readSize == expectedSize failed.)")
    return _program(json.loads(body))


def _tuple(given: object) -> object:
    if isinstance(given, dict):
        return {key: _tuple(value) for key, value in given.items()}
    return tuple(_tuple(each) for each in given) if isinstance(given, list) else given


def _program(values: dict[str, object]) -> Program:
    tensors: Sequence[dict[str, object]] = values.pop("tensors")  # type: ignore[assignment] # JSON
    layers: Sequence[dict[str, object]] = values.pop("layers")  # type: ignore[assignment] # JSON
    profiles: Sequence[dict[str, object]] = values.pop("profiles")  # type: ignore[assignment] # JSON
    model = bytes.fromhex(str(values.pop("model")))
    rest = {key: _tuple(value) for key, value in values.items()}
    return Program(
        model=model,
        tensors=tuple(Tensor(**{key: _tuple(value) for key, value in each.items()}) for each in tensors),  # type: ignore[arg-type] # JSON
        layers=tuple(Layer(**{key: _tuple(value) for key, value in each.items()}) for each in layers),  # type: ignore[arg-type] # JSON
        profiles=tuple({key: _tuple(value) for key, value in each.items()} for each in profiles),  # type: ignore[misc] # JSON
        **rest,  # type: ignore[arg-type] # JSON
    )
