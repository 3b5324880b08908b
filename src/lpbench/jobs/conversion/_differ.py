"""Reports how the outputs of a converted model differ from those of its source.

Limits are fractions of an output's range over all samples, from its smallest to its largest value, so that
probabilities near 0.001 and pixel values near 1000 are judged alike:

=====  =============  ==========  ============
       largest error  mean error  least cosine
=====  =============  ==========  ============
F32    0.001          0.0001      0.9999
F16    0.05           0.01        0.999
S8     0.15           0.03        0.99
=====  =============  ==========  ============

The second line holds for all shorter floats, the third for all whole numbers; a converter's spec may state others.
Correct conversions were measured at 1e-5 of the range or less for F32 weights, 2e-3 to 2e-2 for F16 weights, and 6e-2
for S8 (SqueezeNet).
An output of one value is judged by its magnitude, since the few samples give it no range.
The kinds of values are those of ``lpbench.jobs.parity``: of whole numbers the fraction of unequal values counts, with
the limit of the largest error; texts must be equal; of quantised values one rounding step is allowed.
A wrong softmax, or an output that is constant, permuted or swapped with another, differs by a tenth of the range
or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.jobs.parity import TEXTS, Deviation, as_floats, count_unequal, deviation, merge, within_step
from lpbench.plugin.converter import Limits
from lpbench.worker.tensor_wire import align_layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.worker.named_tensors import Tensor
    from lpbench.worker.tensor_wire import RawSample

    Array = Any


F32 = Limits(1e-3, 1e-4, 0.9999)
SHORTER = Limits(5e-2, 1e-2, 0.999)
WHOLE = Limits(0.15, 3e-2, 0.99)
NARROW = 1e-3
"""The range used for the limits is at least this fraction of an output's largest magnitude."""
SUM = 1e-3
"""Tolerance for the sum of probabilities, which should be 1."""


def limits_for(precision: str, own: Mapping[str, Limits]) -> Limits:
    """Return the limits for weights of a precision.

    :param own: What the converter's spec states.
    """
    usual = F32 if precision in {"F32", "F64"} else WHOLE if precision.startswith(("S", "U")) else SHORTER
    return own.get(precision, usual)


def differences(source: Sequence[RawSample], made: Sequence[RawSample], limits: Limits) -> tuple[list[str], Deviation]:
    """Return the faults in words, and the largest deviation of the outputs."""
    names = [output.name for output in source[0].outputs]
    available = [output.name for output in made[0].outputs]
    missing = [name for name in names if name not in available]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        return [f"it has no output {listed}; its outputs are {', '.join(available)}"], _NONE
    pairs = {name: _Pair.of(name, source, made) for name in names}
    if not any(array.size for pair in pairs.values() for array in pair.source):
        return ["every output of the source is empty on these inputs, so nothing can be compared"], _NONE
    faults = [text for pair in pairs.values() if (text := pair.fault(pairs, limits))]
    return faults, merge([pair.deviation for pair in pairs.values()])


def unrepeated(first: Sequence[RawSample], again: Sequence[RawSample]) -> str:
    """Return how an output differs when a model runs the same inputs again, or an empty text."""
    pairs = [_Pair.of(output.name, first, again) for output in first[0].outputs]
    return next((text for pair in pairs if (text := pair.change())), "")


_NONE = Deviation(0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Pair:
    """One output over all samples: of the source and of the converted model.

    :param step: One rounding step of quantised values, else 0.
    """

    name: str
    source: Sequence[Array]
    made: Sequence[Array]
    step: float = 0.0

    @classmethod
    def of(cls, name: str, source: Sequence[RawSample], made: Sequence[RawSample]) -> _Pair:
        """Return the arrays of one output, both in the source's layout."""
        pairs = [(_named(expected, name), _named(actual, name)) for expected, actual in zip(source, made, strict=True)]
        expected_values = [expected.values for expected, _ in pairs]
        step = max(tensor.step for pair in pairs for tensor in pair)
        return cls(name, expected_values, [align_layout(actual, expected) for expected, actual in pairs], step)

    @property
    def deviation(self) -> Deviation:
        """The deviation over all samples; zero where the values are not numeric or the shapes differ."""
        if self._problem() or self._texts():
            return _NONE
        return merge([deviation(expected, actual) for expected, actual in zip(self.source, self.made, strict=True)])

    def fault(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return the fault of the output in words, or an empty text."""
        if problem := self._problem():
            return f'output "{self.name}" {problem}'
        if self._right(limits):
            return ""
        differs, reason = f'output "{self.name}" differs from the source\'s', self._reason(pairs, limits)
        if (unequal := self._unequal()) is not None:
            return f"{differs} in {unequal} of {self._size()} {'texts' if self._texts() else 'whole numbers'}{reason}"
        error = self.deviation
        if not error.count and error.not_finite[0]:
            return f'the source\'s output "{self.name}" has no finite value on these inputs, so nothing can be compared'
        if error.nonfinite_mismatch:
            counts = f"{error.not_finite[1]} values that are not finite; the source's has {error.not_finite[0]}"
            return f'output "{self.name}" has {counts}'
        allowed = max(limits.largest * self._width(), self.step)
        errors = f"by {error.max_absolute:.3g} ({allowed:.2g} is allowed), {error.mean_absolute:.2g} on average"
        return f"{differs} {errors}, cosine {error.cosine:.5f}{reason}"

    def change(self) -> str:
        """Return how the second of two runs of one model differs from the first, or an empty text."""
        if problem := self._problem():
            return f'output "{self.name}" {problem}'
        error, unequal = self.deviation, self._unequal()
        silent = unequal is None and not error.count and not error.nonfinite_mismatch
        if silent or self._right(F32):
            return ""
        by = f"by {error.max_absolute:.3g}" if unequal is None else f"in {unequal} of {self._size()} values"
        return f'output "{self.name}" differs {by}'

    def _right(self, limits: Limits) -> bool:
        """Return whether the converted output matches the source's within the limits."""
        if self._problem():
            return False
        if (unequal := self._unequal()) is not None:
            return unequal <= (0.0 if self._texts() else limits.largest) * self._size()
        error, width = self.deviation, self._width()
        if error.nonfinite_mismatch or (not error.count and error.not_finite[0]):
            return False
        near = error.max_absolute <= limits.largest * width and error.mean_absolute <= limits.mean * width
        angle = error.cosine >= limits.cosine or not error.peak  # zeros have no angle
        return (near and angle) or within_step(error, self.step)

    def _reason(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return what the output contains instead, if it can be recognised."""
        import numpy as np

        if self._texts():
            return ""
        made, source = (np.concatenate([array.ravel() for array in arrays]) for arrays in (self.made, self.source))
        for other in pairs.values():
            if other is not self and _Pair(self.name, other.source, self.made)._right(limits):  # noqa: SLF001 - its own class
                return f': it is the source\'s output "{other.name}"'
        if np.ptp(made) == 0 < np.ptp(source):
            return f": it is {made.flat[0]:.3g} everywhere"
        near = min(limits.largest, SHORTER.largest) * self._width()  # sorted, even noise is near by wider limits
        wrong = self.deviation.max_absolute > limits.largest * self._width()
        if wrong and np.allclose(np.sort(made), np.sort(source), atol=near, rtol=0):
            return ": it holds the source's values in a different order"
        sums = [float(np.mean([a.astype(float).sum() for a in arrays])) for arrays in (self.made, self.source)]
        if abs(sums[1] - 1) < SUM < abs(sums[0] - 1):
            return f": its values add up to {sums[0]:.4g}, the source's to 1"
        return ""

    def _problem(self) -> str:
        """Return why the two cannot be compared, or an empty text."""
        for expected, actual in zip(self.source, self.made, strict=True):
            if expected.shape != actual.shape:
                return f"has the shape {_text(actual.shape)}; the source's has {_text(expected.shape)}"
        if len({array.dtype.kind in TEXTS for array in (*self.source, *self.made)}) > 1:
            return f"holds {'numbers; the source has texts' if self._texts() else 'texts; the source has numbers'}"
        return ""

    def _texts(self) -> bool:
        return all(array.dtype.kind in TEXTS for array in self.source)

    def _unequal(self) -> int | None:
        """Return how many whole numbers or texts differ from the source's; None for other numbers."""
        counts = [count_unequal(expected, actual) for expected, actual in zip(self.source, self.made, strict=True)]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _size(self) -> int:
        return sum(int(array.size) for array in self.source)

    def _width(self) -> float:
        """Return the range of the source's values, at least ``NARROW`` times their largest magnitude; 1 for zeros.

        One value for each of a few samples has no range to speak of, so its magnitude counts.
        """
        import numpy as np

        values = np.concatenate([as_floats(array).ravel() for array in self.source])
        single = values.size == len(self.source)
        values = values[np.isfinite(values)]
        least = 1.0 if single else NARROW
        return max(float(np.ptp(values)), least * float(np.abs(values).max())) or 1.0 if values.size else 1.0


def _named(sample: RawSample, name: str) -> Tensor:
    return next(output for output in sample.outputs if output.name == name)


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
