"""The optimisation profiles of an engine: ranges of shapes of its open inputs, one of which is in force."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.feed_checks import text
from lpbench_trt._tensors import sizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Shapes, TensorInfo
    from lpbench_trt._library import trt
    from lpbench_trt._tensors import Tensor

SHOWN = 4
"""Ranges that an error lists."""


@dataclass(frozen=True)
class Range:
    """The smallest and the largest shape of an input in one profile."""

    least: tuple[int, ...]
    most: tuple[int, ...]

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Return whether a shape is within."""
        return len(shape) == len(self.least) and all(
            low <= size <= high for low, size, high in zip(self.least, shape, self.most, strict=True)
        )

    def __str__(self) -> str:
        return f"{text(self.least)} to {text(self.most)}"


@dataclass(frozen=True)
class Ranges:
    """The ranges of all profiles, by input."""

    profiles: Sequence[Mapping[str, Range]]

    def fixed(self, inputs: Sequence[Tensor], shapes: Shapes) -> list[Tensor]:
        """Return the inputs with the requested shapes, and with sizes of which the profiles allow one alone.

        :raises EngineError: An input cannot have the requested shape.
        """
        infos = feed_checks.fixed([self._closed(tensor.info) for tensor in inputs], shapes)
        return [dataclasses.replace(tensor, info=info) for tensor, info in zip(inputs, infos, strict=True)]

    def choose(self, shapes: Shapes, current: int) -> int:
        """Return the number of a profile that holds the shapes: the current one, or else the first.

        :param shapes: Of the open inputs.
        :raises EngineError: No profile holds them; the error names the input and its ranges.
        """
        numbers = [current, *(number for number in range(len(self.profiles)) if number != current)]
        for number in numbers:
            if all(self.profiles[number][name].holds(shape) for name, shape in shapes.items()):
                return number
        raise self._refused(shapes)

    def _closed(self, info: TensorInfo) -> TensorInfo:
        held = [profile[info.name] for profile in self.profiles if info.name in profile]
        limits = {limit for each in held for limit in (each.least, each.most) if len(limit) == len(info.shape)}
        allowed = [set(axis) for axis in zip(*limits, strict=True)] or [set[int]()] * len(info.shape)
        pairs = zip(info.shape, allowed, strict=True)
        return dataclasses.replace(info, shape=tuple(min(found) if len(found) == 1 else size for size, found in pairs))

    def _refused(self, shapes: Shapes) -> EngineError:
        outside = [
            name for name, shape in shapes.items() if not any(profile[name].holds(shape) for profile in self.profiles)
        ]
        hint = "build the plan for these shapes: give them when opening, or as min_shapes and max_shapes"
        if not outside:
            together = ", ".join(f'"{name}" {text(shape)}' for name, shape in shapes.items())
            return EngineError(f"no optimisation profile holds {together} together", hint=hint)
        name = outside[0]
        ranges = [str(profile[name]) for profile in self.profiles]
        listed = "; ".join(dict.fromkeys(ranges[:SHOWN])) + ("; …" if len(ranges) > SHOWN else "")
        what = f'input "{name}" has shape {text(shapes[name])}, outside every optimisation profile ({listed})'
        return EngineError(what, hint=hint)


def ranges(engine: trt.ICudaEngine, inputs: Sequence[Tensor]) -> Ranges:
    """Return the profiles of an engine."""
    profiles = []
    for number in range(max(1, engine.num_optimization_profiles)):
        profile = {}
        for tensor in inputs:
            if tensor.open:
                profile[tensor.info.name] = _range(engine, tensor.info.name, number)
        profiles.append(profile)
    return Ranges(profiles)


def _range(engine: trt.ICudaEngine, name: str, profile: int) -> Range:
    least, _, most = engine.get_tensor_profile_shape(name, profile)
    return Range(sizes(least) or (), sizes(most) or ())
