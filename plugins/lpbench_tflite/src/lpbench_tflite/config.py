"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Literal

from lpbench.plugin.kit.cores import check_threads

Setting = str | int | float | bool


@dataclass(frozen=True)
class Delegate:
    """A library that runs parts of a model.

    :param library: Path of the shared library, or its name if the dynamic linker finds it.
    :param options: Options from the library's documentation; passed as strings.
    """

    library: str
    options: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class TfliteConfig:
    """Options of the engine ``tflite``.

    :param device: ``cpu``; other processors are reached by ``delegates``.
    :param threads: Threads of one operator; 0 = one for each physical core that the process may use.
    :param xnnpack: Let XNNPACK run the operators that it supports, as LiteRT does by default.
    :param delegates: Libraries that run parts of the model, in this order; an error if they accept no operator.
    :param signature: The signature to run; needed if the file has several.
    :raises ValueError: A value is out of range.
    """

    device: Literal["cpu"] = "cpu"
    threads: int = 0
    xnnpack: bool = True
    delegates: tuple[Delegate, ...] = ()
    signature: str = ""

    def __post_init__(self) -> None:
        check_threads("threads", self.threads)
