"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Literal

Setting = str | int | float | bool


@dataclass(frozen=True)
class Delegate:
    """A library that takes over parts of a model.

    :param library: Path of the shared library, or its name where the dynamic linker finds it.
    :param options: What the library's documentation names; handed over as texts.
    """

    library: str
    options: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class TfliteConfig:
    """How LiteRT is to run a model.

    :param device: ``cpu``; other processors are reached by ``delegates``.
    :param threads: Threads of one operator; 0 = one for each physical core that the process may use.
    :param xnnpack: Let XNNPACK run the operators that it can, as LiteRT does by default.
    :param delegates: Libraries that take over parts of the model, in this order; one that takes nothing is an error.
    :raises ValueError: A value is out of range.
    """

    device: Literal["cpu"] = "cpu"
    threads: int = 0
    xnnpack: bool = True
    delegates: tuple[Delegate, ...] = ()

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise ValueError(f"threads: found {self.threads}; expected 0 or more")
