"""The contract of an inference engine, which turns a model file and a config into a session.

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
"""Requested shapes by input name."""
C = TypeVar("C")


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a model.

    :param name: The tensor's name in the model.
    :param dtype: Numpy's name of its type, such as ``float32``.
    :param shape: Its dimensions; a string names a dynamic one, None is dynamic without a name.
    :param layout: Order of the dimensions, ``NCHW`` or ``NHWC``; empty if it is not known.
    :param scale: Real value of one step of a quantised tensor, else None.
    :param zero_point: Quantised value that represents zero, else None.
    :param alias: The app's name for the tensor if it differs from this file's, because a converter renamed it.
    :param optional: Whether the model also runs without this input, as ONNX's optional types allow.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    layout: str = ""
    scale: float | None = None
    zero_point: int | None = None
    alias: str = ""
    optional: bool = False

    @property
    def called(self) -> str:
        """The name that an app's config uses for the tensor."""
        return self.alias or self.name

    @property
    def dynamic(self) -> dict[int, str]:
        """The dynamic dimensions: axis to name, or ``?`` if it has no name."""
        return {axis: size or "?" for axis, size in enumerate(self.shape) if not isinstance(size, int)}


@dataclass(frozen=True)
class Model:
    """A model's files and the app's statements on its tensors.

    :param format: Name of the file format, as in ``EngineSpec.formats``.
    :param path: The main file.
    :param extra: Further files that belong to it, such as weights.
    :param inputs: The app's statements on inputs: layout, type, scale; may be empty.
    :param outputs: The app's statements on outputs; may be empty.
    :param provenance: The source, tool and check of a converted model; empty for an original.
    :param variant: Its name among the app's models, as ``--engine NAME:variant=…`` chooses it; empty for the app's own.
    :param version: Its backbone, or how it was made smaller: ``0.75``, ``pruned``; may be empty.
    :param precision: Precision of the stored weights, ``S8`` for example; empty where it is not stated.
    :param tile: Width and height of its image input: the only one of a conversion, the default of open dimensions.
    """

    format: str
    path: Path
    extra: tuple[Path, ...] = ()
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict, compare=False)
    variant: str = ""
    version: str = ""
    precision: str = ""
    tile: tuple[int, int] | None = None


class Session(abc.ABC):
    """A loaded model, ready to run; belongs to the thread that opened it."""

    inputs: Sequence[TensorInfo]
    """The model's inputs as the engine reports them, with the requested shapes applied."""
    outputs: Sequence[TensorInfo]
    """The model's outputs as the engine reports them."""

    @abc.abstractmethod
    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference and return when all of its work is complete.

        Does not change ``feeds``.  The arrays returned are valid until the
        next ``run`` or ``close``, or longer if the spec sets ``owned_outputs``.

        :raises EngineError: A feed is missing, or has the wrong type or shape.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Free the session's resources; calling it twice is allowed."""

    def describe(self) -> Mapping[str, Any]:
        """Return facts to store with a result, as JSON values.

        Known keys: ``version``, ``device``, ``processor`` (CPU, GPU, NPU),
        ``precision`` (of the arithmetic actually executed), ``threads``,
        ``providers``, ``from_cache`` (whether opening found what was prepared
        before, a compiled model say, instead of building it), ``build_s``
        (seconds that building it took, now or before); an engine may add others,
        and omits facts that it does not know.  What JSON lacks (NaN, sets, bytes, objects) is refused with an
        error that names the engine and the fact, as are tensors with fields of
        other types than ``TensorInfo`` has.
        """
        return {}

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the device's nanoseconds of the last ``run`` by activity, or None if they are not known.

        They are asked for in sessions that are opened with ``profile=True``; others need not know them.
        """
        return None

    def memory(self) -> Mapping[str, int] | None:
        """Return the bytes of device memory that the engine itself knows of, by use, or None if it knows none.

        Known uses: ``weights``, ``activations``, ``workspace`` and ``total``; an engine may add others.  What the
        process holds in the machine's own memory does not belong here.  May be asked for before and after any ``run``,
        never between its begin and its end.
        """
        return None

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each layer, in the order of computation: ``name``, ``type``, ``ns``, and further facts.

        ``ns`` is the mean of a run; the first run since opening may be left out, as it allocates memory.  Known facts:
        ``runs_ns``, the nanoseconds in each of these runs, for medians; ``calls``, how often a run computes the layer;
        ``category``, its kind of kernel where the type does not tell (``lpbench.plugin.kit.layer_kinds``).

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
    """Turns a model and a config into a session; constructed without arguments."""

    @abc.abstractmethod
    def open(self, model: Model, config: C, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Load the model.

        :param model: Existing files and their format.
        :param config: An instance of the dataclass that the spec names.
        :param shapes: Shapes of inputs whose dimensions are to be fixed; may be empty.
        :param profile: Prepare ``Session.profile``; slows the session down.
        :raises EngineError: Naming the model, if it cannot be loaded as requested.
        :raises ConfigError: An option has a value that does not exist, as only the library tells; it ends a benchmark.
        """

    def open_exposed(self, model: Model, config: C, /, *, shapes: Shapes) -> Session:
        """Load the model with every intermediate tensor among its outputs, to find where two engines diverge.

        Only for formats in the spec's ``exposes``.  The outputs have the names of
        the model file, in the order of computation.  The session is slower than
        that of ``open``, and less of the graph may be fused.

        :raises EngineError: As ``open``; or this engine does not expose intermediate tensors.
        """
        raise EngineError(f"{type(self).__name__} does not expose intermediate tensors")
