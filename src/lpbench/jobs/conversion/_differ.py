"""Says in what the outputs of a converted model differ from those of its source.

What is allowed is a share of the range that an output has over all samples, from its least to its greatest
value, so that probabilities of a thousandth and pixels of a thousand are judged alike:

====  =============  ==========  ============
      largest error  mean error  least cosine
====  =============  ==========  ============
F32   0.001          0.0001      0.9999
else  0.05           0.01        0.999
====  =============  ==========  ============

Measured on correct conversions: F32 weights 1e-5 and less of the range, F16 weights 2e-3 to 2e-2.
Of whole numbers, indices say, the share that is not equal counts, and may be the largest error above.
A wrong softmax, an output that is constant, permuted or another's differs by a tenth of the range and more.
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
    """What is allowed, as shares of the range of an output."""

    largest: float
    mean: float
    cosine: float


F32 = Limits(1e-3, 1e-4, 0.9999)
SHORTER = Limits(5e-2, 1e-2, 0.999)
NARROW = 1e-3
"""An output whose range is narrower than this share of its greatest magnitude is judged by that share."""
SUM = 1e-3
"""How far from 1 the sum of probabilities may be."""


def differences(source: Sequence[RawSample], made: Sequence[RawSample], precision: str) -> tuple[list[str], Deviation]:
    """Return what is wrong in words, and how far the outputs are apart at most.

    :param precision: Of the weights: ``F32`` is judged more strictly than shorter ones.
    """
    names = [each.name for each in source[0].outputs]
    there = [each.name for each in made[0].outputs]
    missing = [name for name in names if name not in there]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        return [f"{listed} {'is' if len(missing) == 1 else 'are'} not among its outputs ({', '.join(there)})"], _NONE
    limits = F32 if precision == "F32" else SHORTER
    pairs = {name: _Pair.of(name, source, made) for name in names}
    faults = [text for pair in pairs.values() if (text := pair.fault(pairs, limits))]
    return faults, merge([pair.deviation for pair in pairs.values()])


_NONE = Deviation(0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Pair:
    """One output over all samples: of the source, and of what was made."""

    name: str
    source: Sequence[Array]
    made: Sequence[Array]

    @classmethod
    def of(cls, name: str, source: Sequence[RawSample], made: Sequence[RawSample]) -> _Pair:
        """Return the arrays of one output, in the source's order of dimensions."""
        pairs = [(_named(one, name), _named(other, name)) for one, other in zip(source, made, strict=True)]
        return cls(name, [one.values for one, _ in pairs], [align_layout(other, one) for one, other in pairs])

    @property
    def deviation(self) -> Deviation:
        """How far the two are apart over all samples; nothing where they are no numbers or of other shapes."""
        if self._misshapen() or not self._numeric():
            return _NONE
        return merge([deviation(one, other) for one, other in zip(self.source, self.made, strict=True)])

    def fault(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return in words what is wrong with the output, or an empty text."""
        if wrong := self._misshapen():
            return f'output "{self.name}" {wrong}'
        if not self._numeric():
            return "" if self._equal() else f'output "{self.name}" holds other texts than the source\'s'
        found = self.deviation
        if not found.count and found.not_finite[0]:
            return f'output "{self.name}" of the source has no finite value on these inputs, which proves nothing'
        if found.nonfinite_mismatch:
            counts = f"{found.not_finite[1]} values that are no numbers; the source's has {found.not_finite[0]}"
            return f'output "{self.name}" has {counts}'
        if self._right(limits):
            return ""
        allowed = limits.largest * self._width()
        errors = f"by {found.max_absolute:.3g} ({allowed:.2g} is allowed), {found.mean_absolute:.2g} on average"
        angle = f"cosine {found.cosine:.5f}"
        return f'output "{self.name}" differs from the source\'s {errors}, {angle}{self._reason(pairs, limits)}'

    def _right(self, limits: Limits) -> bool:
        """Say whether what was made is the source's output, as far as its precision goes."""
        if self._misshapen() or not self._numeric():
            return False
        if self._whole():
            return self._unequal() <= limits.largest
        found, width = self.deviation, self._width()
        near = found.max_absolute <= limits.largest * width and found.mean_absolute <= limits.mean * width
        return near and (found.cosine >= limits.cosine or not found.peak)  # there is no angle with zeros

    def _reason(self, pairs: Mapping[str, _Pair], limits: Limits) -> str:
        """Return what the output looks like instead, where that can be told."""
        import numpy as np

        made, source = (np.concatenate([each.ravel() for each in arrays]) for arrays in (self.made, self.source))
        for other in pairs.values():
            if other is not self and _Pair(self.name, other.source, self.made)._right(limits):  # noqa: SLF001 - its own class
                return f': it is the source\'s output "{other.name}"'
        if np.ptp(made) == 0:
            return f": it is {made.flat[0]:.3g} everywhere"
        allowed = limits.largest * self._width()
        if self.deviation.max_absolute > allowed and np.allclose(np.sort(made), np.sort(source), atol=allowed, rtol=0):
            return ": it holds the source's values in another order"
        sums = [float(np.mean([each.astype(float).sum() for each in arrays])) for arrays in (self.made, self.source)]
        if abs(sums[1] - 1) < SUM < abs(sums[0] - 1):
            return f": its values add up to {sums[0]:.4g}, the source's to 1"
        return ""

    def _misshapen(self) -> str:
        for one, other in zip(self.source, self.made, strict=True):
            if one.shape != other.shape:
                return f"has the shape {_text(other.shape)}; the source's has {_text(one.shape)}"
        return ""

    def _numeric(self) -> bool:
        return all(each.dtype.kind in "biuf" for each in (*self.source, *self.made))

    def _whole(self) -> bool:
        return all(each.dtype.kind in "biu" for each in (*self.source, *self.made))

    def _unequal(self) -> float:
        """Return the share of values that are not the source's: an index is right or wrong, not nearly right."""
        wrong = sum(int((one != other).sum()) for one, other in zip(self.source, self.made, strict=True))
        return wrong / max(1, sum(int(each.size) for each in self.source))

    def _equal(self) -> bool:
        import numpy as np

        return all(np.array_equal(one, other) for one, other in zip(self.source, self.made, strict=True))

    def _width(self) -> float:
        """Return the range of the source's values, or a share of their magnitude where that is more; 1 for zeros."""
        import numpy as np

        values = np.concatenate([each.ravel() for each in self.source]).astype(float)
        values = values[np.isfinite(values)]
        return max(float(np.ptp(values)), NARROW * float(np.abs(values).max())) or 1.0 if values.size else 1.0


def _named(sample: RawSample, name: str) -> Tensor:
    return next(each for each in sample.outputs if each.name == name)


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
