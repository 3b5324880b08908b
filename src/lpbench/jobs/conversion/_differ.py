"""Reports how the outputs of a converted model differ from those of its source.

Limits are fractions of an output's range over all samples, from its smallest to its largest value, so that
probabilities near 0.001 and pixel values near 1000 are judged alike:

====  =============  ==========  ============
      largest error  mean error  least cosine
====  =============  ==========  ============
F32   0.001          0.0001      0.9999
else  0.05           0.01        0.999
====  =============  ==========  ============

Correct conversions were measured at 1e-5 of the range or less for F32 weights, and 2e-3 to 2e-2 for F16 weights.
For whole numbers, for example indices, the fraction of unequal values counts, with the limit of the largest error.
A wrong softmax, or an output that is constant, permuted or swapped with another, differs by a tenth of the range
or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.jobs.parity import Deviation, deviation, merge
from lpbench.worker.tensor_wire import align_layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.worker.tensor_wire import RawSample, Tensor

    Array = Any


class Limits(NamedTuple):
    """Limits: largest and mean error as fractions of an output's range, and the least cosine."""

    largest: float
    mean: float
    cosine: float


F32 = Limits(1e-3, 1e-4, 0.9999)
SHORTER = Limits(5e-2, 1e-2, 0.999)
NARROW = 1e-3
"""The range used for the limits is at least this fraction of an output's largest magnitude."""
SUM = 1e-3
"""Tolerance for the sum of probabilities, which should be 1."""


def differences(source: Sequence[RawSample], made: Sequence[RawSample], precision: str) -> tuple[list[str], Deviation]:
    """Return the faults in words, and the largest deviation of the outputs.

    :param precision: Precision of the weights: ``F32`` has stricter limits than shorter types.
    """
    names = [output.name for output in source[0].outputs]
    available = [output.name for output in made[0].outputs]
    missing = [name for name in names if name not in available]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        return [f"it has no output {listed}; its outputs are {', '.join(available)}"], _NONE
    limits = F32 if precision == "F32" else SHORTER
    pairs = {name: _Pair.of(name, source, made) for name in names}
    faults = [text for pair in pairs.values() if (text := pair.fault(pairs, limits))]
    return faults, merge([pair.deviation for pair in pairs.values()])


_NONE = Deviation(0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Pair:
    """One output over all samples: of the source and of the converted model."""

    name: str
    source: Sequence[Array]
    made: Sequence[Array]

    @classmethod
    def of(cls, name: str, source: Sequence[RawSample], made: Sequence[RawSample]) -> _Pair:
        """Return the arrays of one output, both in the source's layout."""
        pairs = [(_named(expected, name), _named(actual, name)) for expected, actual in zip(source, made, strict=True)]
        expected_values = [expected.values for expected, _ in pairs]
        return cls(name, expected_values, [align_layout(actual, expected) for expected, actual in pairs])

    @property
    def deviation(self) -> Deviation:
        """The deviation over all samples; zero where the values are not numeric or the shapes differ."""
        if self._misshapen() or not self._numeric():
            return _NONE
        return merge([deviation(expected, actual) for expected, actual in zip(self.source, self.made, strict=True)])

    def fault(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return the fault of the output in words, or an empty text."""
        if problem := self._misshapen():
            return f'output "{self.name}" {problem}'
        if not self._numeric():
            return "" if self._equal() else f'output "{self.name}" holds texts that differ from the source\'s'
        error = self.deviation
        if not error.count and error.not_finite[0]:
            return f'the source\'s output "{self.name}" has no finite value on these inputs, so nothing can be compared'
        if error.nonfinite_mismatch:
            counts = f"{error.not_finite[1]} values that are not finite; the source's has {error.not_finite[0]}"
            return f'output "{self.name}" has {counts}'
        if self._right(limits):
            return ""
        allowed = limits.largest * self._width()
        errors = f"by {error.max_absolute:.3g} ({allowed:.2g} is allowed), {error.mean_absolute:.2g} on average"
        angle = f"cosine {error.cosine:.5f}"
        return f'output "{self.name}" differs from the source\'s {errors}, {angle}{self._reason(pairs, limits)}'

    def _right(self, limits: Limits) -> bool:
        """Return whether the converted output matches the source's within the limits."""
        if self._misshapen() or not self._numeric():
            return False
        if self._whole():
            return self._unequal() <= limits.largest
        error, width = self.deviation, self._width()
        near = error.max_absolute <= limits.largest * width and error.mean_absolute <= limits.mean * width
        return near and (error.cosine >= limits.cosine or not error.peak)  # zeros have no angle

    def _reason(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return what the output contains instead, if it can be recognised."""
        import numpy as np

        made, source = (np.concatenate([array.ravel() for array in arrays]) for arrays in (self.made, self.source))
        for other in pairs.values():
            if other is not self and _Pair(self.name, other.source, self.made)._right(limits):  # noqa: SLF001 - its own class
                return f': it is the source\'s output "{other.name}"'
        if np.ptp(made) == 0:
            return f": it is {made.flat[0]:.3g} everywhere"
        allowed = limits.largest * self._width()
        if self.deviation.max_absolute > allowed and np.allclose(np.sort(made), np.sort(source), atol=allowed, rtol=0):
            return ": it holds the source's values in a different order"
        sums = [float(np.mean([a.astype(float).sum() for a in arrays])) for arrays in (self.made, self.source)]
        if abs(sums[1] - 1) < SUM < abs(sums[0] - 1):
            return f": its values add up to {sums[0]:.4g}, the source's to 1"
        return ""

    def _misshapen(self) -> str:
        for expected, actual in zip(self.source, self.made, strict=True):
            if expected.shape != actual.shape:
                return f"has the shape {_text(actual.shape)}; the source's has {_text(expected.shape)}"
        return ""

    def _numeric(self) -> bool:
        return all(array.dtype.kind in "biuf" for array in (*self.source, *self.made))

    def _whole(self) -> bool:
        return all(array.dtype.kind in "biu" for array in (*self.source, *self.made))

    def _unequal(self) -> float:
        """Return the fraction of values that differ from the source's: an index is either right or wrong."""
        wrong = sum(int((expected != actual).sum()) for expected, actual in zip(self.source, self.made, strict=True))
        return wrong / max(1, sum(int(array.size) for array in self.source))

    def _equal(self) -> bool:
        import numpy as np

        return all(np.array_equal(*pair) for pair in zip(self.source, self.made, strict=True))

    def _width(self) -> float:
        """Return the range of the source's values, at least ``NARROW`` times their largest magnitude; 1 for zeros."""
        import numpy as np

        values = np.concatenate([array.ravel() for array in self.source]).astype(float)
        values = values[np.isfinite(values)]
        return max(float(np.ptp(values)), NARROW * float(np.abs(values).max())) or 1.0 if values.size else 1.0


def _named(sample: RawSample, name: str) -> Tensor:
    return next(output for output in sample.outputs if output.name == name)


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
