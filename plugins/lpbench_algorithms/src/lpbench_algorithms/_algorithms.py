"""The kernels as algorithms of sweeps: random instances, and the error against all variables at 53 bits."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import lpbench
from lpbench_algorithms import _kernels
from lpbench_algorithms._rounding import FULL, Array

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.algorithm import Values

SEED = 20


class Kernel(lpbench.Algorithm):
    """A kernel whose variables are called ``var_0``, ``var_1`` and so on."""

    variables: ClassVar[int]
    compute: ClassVar[Callable[..., Array]]
    """Takes an instance and the bits of each variable."""

    @abstractmethod
    def draw(self, chance: np.random.Generator) -> tuple[Any, ...]:
        """Return an instance: the first arguments of ``compute``."""

    def prepare(self, values: Values, instance: int) -> tuple[Any, ...]:
        """Return the instance of a number."""
        return self.draw(np.random.default_rng([SEED, instance]))

    def run(self, values: Values, prepared: tuple[Any, ...]) -> Array:
        """Compute the answer."""
        return self.compute(*prepared, [int(values[f"var_{at}"]) for at in range(self.variables)])

    def judge(self, values: Values, prepared: tuple[Any, ...], answer: Array) -> Mapping[str, float | None]:
        """Return the error, and the quality where there is an error."""
        error = squared_error(answer, self.compute(*prepared, [FULL] * self.variables))
        return {"error": error, "quality": -math.log(error) if error else None}


def squared_error(answer: Array, exact: Array) -> float:
    """Return the greatest squared difference relative to the exact value; relative to 1 where that is 0."""
    scale = np.where(exact == 0, 1.0, exact)
    return float(np.max(np.square((answer - exact) / scale)))


class Fwt(Kernel):
    """4096 values between -1 and 1."""

    variables = 2
    compute = staticmethod(_kernels.fwt)

    def draw(self, chance: np.random.Generator) -> tuple[Any, ...]:
        """Return a vector."""
        return (chance.uniform(-1, 1, 4096),)


class Saxpy(Kernel):
    """100,000 values between 0 and 1."""

    variables = 3
    compute = staticmethod(_kernels.saxpy)

    def draw(self, chance: np.random.Generator) -> tuple[Any, ...]:
        """Return a factor and two vectors."""
        return (float(chance.uniform()), chance.uniform(size=100_000), chance.uniform(size=100_000))


class Convolution(Kernel):
    """A matrix of 64x64 and a kernel of 11x11 values between 0 and 1."""

    variables = 4
    compute = staticmethod(_kernels.convolution)

    def draw(self, chance: np.random.Generator) -> tuple[Any, ...]:
        """Return a matrix and a kernel."""
        return (chance.uniform(size=(64, 64)), chance.uniform(size=(11, 11)))


class Correlation(Kernel):
    """64 observations of 32 features between 0 and 1."""

    variables = 7
    compute = staticmethod(_kernels.correlation)

    def draw(self, chance: np.random.Generator) -> tuple[Any, ...]:
        """Return the observations."""
        return (chance.uniform(size=(64, 32)),)
