"""NVIDIA's library: the module ``tensorrt`` or, where that is not installed, ``tensorrt_rtx`` of the same API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    import tensorrt as trt
else:
    try:
        import tensorrt as trt
    except ModuleNotFoundError as error:
        if error.name != "tensorrt":
            raise
        import tensorrt_rtx as trt

__all__ = ["Library", "library", "trt"]

RTX = "tensorrt_rtx"


@dataclass(frozen=True)
class Library:
    """The library in use.

    :param name: ``tensorrt`` or ``tensorrt_rtx``.
    :param version: As the library states it: ``10.16.1.11``.
    """

    name: str
    version: str

    @property
    def is_rtx(self) -> bool:
        """Whether it is TensorRT-RTX, which chooses kernels when a plan is loaded: its builder times none."""
        return self.name == RTX

    @property
    def called(self) -> str:
        """Its name and version in words."""
        return f"{'TensorRT-RTX' if self.is_rtx else 'TensorRT'} {self.version}"


def library() -> Library:
    """Return the library's name and version.

    :raises EngineError: What is imported as TensorRT is not NVIDIA's module.
    """
    version = getattr(trt, "__version__", None)
    if not isinstance(version, str) or not hasattr(trt, "Builder"):
        where = getattr(trt, "__file__", None) or "an unknown place"
        raise EngineError(
            f"the module {trt.__name__} from {where} is not NVIDIA's: it has no Builder",
            hint="remove what is named like it from the module search path",
        )
    return Library(RTX if trt.__name__.startswith(RTX) else "tensorrt", version)
