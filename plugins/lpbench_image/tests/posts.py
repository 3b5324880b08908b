"""What the tests of postprocessors share: outputs, samples with a geometry, and processors built as the runner does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from lpbench.plugin import registry, specs
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image.geometry import Affine, Geometry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = npt.NDArray[Any]

GEOMETRY = Geometry(0.5, 0.25, 10, -20, (240, 160), (64, 96))
TURNED = Affine(((0.0, -2.0, 90.0), (2.0, 0.0, 7.0)), (240, 160), (64, 96))
"""A quarter turn clockwise, two pixels of the picture for one of the input."""
MIRRORED = Affine(((-3.0, 0.0, 90.0), (0.0, 3.0, 7.0)), (240, 160), (64, 96))


@st.composite
def geometries(draw: st.DrawFn) -> Affine | Geometry:
    """Draw scales, offsets, turned and mirrored regions."""
    source, size = ((draw(st.integers(8, 40)), draw(st.integers(8, 40))) for _ in range(2))
    if draw(st.booleans()):
        (across, down), (x, y) = ([draw(st.floats(*each)) for _ in range(2)] for each in ((0.2, 4), (-30, 30)))
        return Geometry(across, down, x, y, source, size)
    angle, scale, sign = draw(st.floats(-4, 4)), draw(st.floats(0.2, 4)), draw(st.sampled_from([-1, 1]))
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    x, y = (draw(st.floats(-30, 90)) for _ in range(2))
    return Affine(((sign * cos, -sin, x), (sign * sin, cos, y)), source, size)


def sample(geometry: Affine | Geometry | None = GEOMETRY) -> Sample:
    """Return a sample whose input lay so in the picture."""
    found = Sample("cat.jpg", None)
    found.geometry = geometry
    return found


def infos(outputs: Mapping[str, Array], **more: Any) -> list[TensorInfo]:
    """Return what a session says of these outputs."""
    return [TensorInfo(name, str(each.dtype), each.shape, **more) for name, each in outputs.items()]


def build(name: str, values: Mapping[str, Any], outputs: Sequence[TensorInfo], labels: Sequence[str] = ()) -> Any:
    """Return a postprocessor by its name."""
    spec = registry.current().get(registry.POSTPROCESSORS, name).spec
    settled = dataclass_config.build(specs.load(spec.config, who=name), values)
    return spec.load()(settled, outputs, labels)


def through(geometry: Affine | Geometry, points: Any) -> Array:
    """Return points of the input in the picture, one at a time, by the formulas in words."""
    found = []
    for x, y in np.reshape(points, (-1, 2)).tolist():
        if isinstance(geometry, Geometry):
            found.append(((x - geometry.offset_x) / geometry.scale_x, (y - geometry.offset_y) / geometry.scale_y))
        else:
            found.append(tuple(geometry.matrix @ (x, y, 1)))
    shaped: Array = np.array(found).reshape(np.shape(points))
    return shaped
