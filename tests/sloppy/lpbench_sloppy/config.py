"""The configs, with one fault each."""

from __future__ import annotations

import os
from dataclasses import dataclass, make_dataclass
from typing import Any

from .fault import is_broken


@dataclass(frozen=True)
class Engine:
    """Options of the engine.

    :param device: Where it runs: ``cpu``.
    :param threads: How many threads it starts.
    """

    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1 and not is_broken("engine/number_out_of_range_is_refused"):
            raise ValueError(f"threads: found {self.threads}; expected 1 or more")


@dataclass(frozen=True)
class Processor:
    """Options of a processor.

    :param scale: Factor of the values.
    """

    scale: float = 2.0


@dataclass(frozen=True)
class Monitor:
    """Options of the monitor.

    :param offset: Degrees to add.
    """

    offset: float = 0.0


class Anything:
    """Accepts any options."""

    def __init__(self, **options: Any) -> None:
        self.__dict__.update(options)


def _sloppy(kind: str, tidy: type[Any]) -> type[Any]:
    """Return the config, or a class with the fault that SLOPPY names."""
    fields = [(name, each.type, each.default) for name, each in tidy.__dataclass_fields__.items()]
    loose = [(name, Any, default) for name, _, default in fields]

    def act(_: object) -> None:
        os.environ["SLOPPY_CONFIG"] = "built"

    if is_broken(f"{kind}/config_is_a_frozen_dataclass"):
        return make_dataclass("Thawed", fields)
    if is_broken(f"{kind}/unknown_option_is_refused"):
        return Anything
    if is_broken(f"{kind}/wrong_value_is_refused"):
        return make_dataclass("Loose", loose, frozen=True)
    if is_broken(f"{kind}/options_are_documented"):
        return make_dataclass("Silent", fields, frozen=True)
    if is_broken(f"{kind}/config_builds_without_side_effects"):
        return make_dataclass("Acting", fields, frozen=True, namespace={"__post_init__": act})
    return tidy


EngineConfig = _sloppy("engine", Engine)
PreprocessorConfig = _sloppy("preprocessor", Processor)
PostprocessorConfig = _sloppy("postprocessor", Processor)
MonitorConfig = _sloppy("monitor", Monitor)
