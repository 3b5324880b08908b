"""The contract of an inference engine: a model file and a config become a session.

The worker opens a session, times ``run`` from outside and closes it.  A session
never times itself.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lpbench.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Engine", "EngineError", "Feeds", "Model", "Outputs", "Session", "Shapes", "TensorInfo"]

Feeds = Mapping[str, Any]
"""Arrays by input name."""
Outputs = Mapping[str, Any]
"""Arrays by output name."""
Shapes = Mapping[str, tuple[int, ...]]
"""Shapes asked for, by input name."""
C = TypeVar("C")


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a model.

    :param name: The tensor's name in the model.
    :param dtype: Numpy's name of its type, ``float32`` say.
    :param shape: Its dimensions; a string names a dynamic one, None is dynamic and has no name.
    :param layout: Order of the dimensions, ``NCHW`` or ``NHWC``; empty where it is not known.
    :param scale: Real value of one step of a quantised tensor, else None.
    :param zero_point: Quantised value that stands for zero, else None.
    :param alias: What the app calls it where this file calls it otherwise: a converter gave it another name.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    layout: str = ""
    scale: float | None = None
    zero_point: int | None = None
    alias: str = ""

    @property
    def called(self) -> str:
        """The name that an app's config uses for it."""
        return self.alias or self.name

    @property
    def dynamic(self) -> dict[int, str]:
        """The dynamic dimensions: axis to name, ``?`` where it has none."""
        return {axis: size or "?" for axis, size in enumerate(self.shape) if not isinstance(size, int)}


@dataclass(frozen=True)
class Model:
    """A model's files and what the app says of it.

    :param format: Name of the file format, as in ``EngineSpec.formats``.
    :param path: The main file.
    :param extra: Further files that belong to it, weights say.
    :param inputs: What the app states of inputs: layout, type, scale; may be empty.
    :param outputs: Likewise for outputs.
    :param provenance: Of a converted model: from what, by what, how it was checked; empty for an original.
    """

    format: str
    path: Path
    extra: tuple[Path, ...] = ()
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict, compare=False)


class Session(abc.ABC):
    """A loaded model, ready to run; belongs to the thread that opened it."""

    inputs: Sequence[TensorInfo]
    """The model's inputs as the engine sees them, with the shapes in force."""
    outputs: Sequence[TensorInfo]
    """The model's outputs as the engine sees them."""

    @abc.abstractmethod
    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference and return when nothing is in flight any more.

        Leaves ``feeds`` as they were.  The arrays returned are valid until the
        next ``run`` or ``close``, unless the spec says ``owned_outputs``.

        :raises EngineError: A feed is missing, or has the wrong type or shape.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the session holds; calling it twice is allowed."""

    def describe(self) -> Mapping[str, Any]:
        """Return facts worth storing beside a result, ready for JSON.

        Known keys: ``version``, ``device``, ``processor`` (CPU, GPU, NPU),
        ``precision`` (of the arithmetic really executed), ``threads``,
        ``providers``; an engine may add others.  A fact that the engine does not
        tell is left out.
        """
        return {}

    def device_spans(self) -> Mapping[str, int] | None:
        """Return nanoseconds of the last ``run`` by what the device did, or None if the engine does not tell."""
        return None

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each layer: ``name``, ``type``, ``ns``, and what else is known.

        :raises EngineError: The engine has no profile, or was not opened with ``profile=True``.
        """
        raise EngineError(f"{type(self).__name__} has no per-layer profile")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Engine(abc.ABC, Generic[C]):
    """Turns a model and a config into a session; built without arguments."""

    @abc.abstractmethod
    def open(self, model: Model, config: C, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model.

        :param model: Files that exist and the format they are in.
        :param config: An instance of the dataclass that the spec names.
        :param shapes: Shapes of inputs whose dimensions are to be fixed; may be empty.
        :param profile: Prepare ``Session.profile``; slows the session down.
        :raises EngineError: Naming the model, if it cannot be loaded as asked.
        """

    def open_exposed(self, model: Model, config: C, /, *, shapes: Shapes) -> Session:
        """Load the model with every intermediate tensor among its outputs, to find where two engines part.

        Only for formats in the spec's ``exposes``.  The outputs have the names of
        the model file and stand in the order of computing.  Slower than ``open``,
        and less of the graph may be fused.

        :raises EngineError: As ``open``; or this engine shows no intermediate tensors.
        """
        raise EngineError(f"{type(self).__name__} shows no intermediate tensors")
