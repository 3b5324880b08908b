"""Optimisation profiles and timing caches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._enums import VERSION
from ._native import NEVER, Native, api
from ._program import capability
from ._values import SHAPE, Dims, IHostMemory, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._logger import ILogger
    from ._program import Range


class IOptimizationProfile(Native):
    def __init__(self, logger: ILogger) -> None:
        super().__init__(logger)
        self._shapes: dict[str, Range] = {}
        self._values: dict[str, Range] = {}
        self.extra_memory_target = 1.0

    @api(str, SHAPE, SHAPE, SHAPE, fails=NEVER)
    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:  # noqa: A002 - the library's names
        self._shapes[input] = _range("shape", (min, opt, max))

    @api(str, (list, tuple), (list, tuple), (list, tuple), fails=NEVER)
    def set_shape_input(self, input: str, min: Any, opt: Any, max: Any) -> None:  # noqa: A002 - the library's names
        self._values[input] = _range("values", (min, opt, max))

    @api(str, fails=NEVER)
    def get_shape(self, input: str) -> list[Dims]:  # noqa: A002 - the library's name
        return [Dims(each) for each in self._shapes.get(input, ())]

    @api(str, fails=NEVER)
    def get_shape_input(self, input: str) -> list[list[int]]:  # noqa: A002 - the library's name
        return [list(each) for each in self._values.get(input, ())]

    def __bool__(self) -> bool:
        return all(_ordered(each) for each in (*self._shapes.values(), *self._values.values()))


def _ordered(given: Range) -> bool:
    return all(low <= middle <= high for low, middle, high in zip(*given, strict=True))


def _range(what: str, given: tuple[Any, Any, Any]) -> Range:
    low, middle, high = (shape_of(each, "IOptimizationProfile.set_shape") for each in given)
    if not len(low) == len(middle) == len(high):
        raise ValueError(f"The {what} provided for min, opt and max are inconsistent with each other.")
    for name, values in (("opt", (low, middle, middle)), ("max", (middle, middle, high))):
        if not _ordered(values):
            raise ValueError(f"Shape provided for {name} is inconsistent with other shapes.")
    return low, middle, high


class ITimingCache(Native):
    def __init__(self, logger: ILogger, keys: Iterable[str] = (), where: str | None = None) -> None:
        super().__init__(logger)
        self._keys = set(keys)
        self._where = where or capability()

    @api(fails=None)
    def serialize(self) -> IHostMemory:
        values = {"timing cache": VERSION, "capability": self._where, "keys": sorted(self._keys)}
        return IHostMemory(json.dumps(values).encode())

    @api(object, bool, fails=False)
    def combine(self, input_cache: ITimingCache, ignore_mismatch: bool) -> bool:  # noqa: FBT001 - the library's
        if input_cache._where != self._where and not ignore_mismatch:
            return False
        self._keys |= input_cache._keys
        return True

    @api(fails=False)
    def reset(self) -> bool:
        self._keys = set()
        return True


def timing_cache(logger: ILogger, content: bytes) -> ITimingCache | None:
    """Return the cache that was written by this version; None for anything else but nothing."""
    if not content:
        return ITimingCache(logger)
    try:
        values = json.loads(content)
        if values["timing cache"] != VERSION:
            return None
        return ITimingCache(logger, values["keys"], values["capability"])
    except (ValueError, KeyError, TypeError):
        return None
