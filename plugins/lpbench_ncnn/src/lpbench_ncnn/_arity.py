"""How many inputs a layer reads at least.

ncnn checks at loading that a layer of one input has one.  For others it does not, and reads inputs that are not there,
which ends the process.  What stands here was found by loading and running such layers with too few inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_ncnn._infer import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench_ncnn._param import Layer

CROP_SIZES, CROP_SLICES = (3, 4, 5, 14), (9, 19)
"""Parameters of a crop that give its size: width, height, channels, depth; or where slices begin."""


def least_inputs(layer: Layer) -> int:
    """Return the number of inputs below which ncnn reads what is not there; 0 where it checks that itself."""
    if (fixed := FIXED.get(layer.type)) is not None:
        return fixed
    reads_two = BY_PARAMETERS.get(layer.type)
    return 2 if reads_two is not None and reads_two(layer) else 0


def _crop(layer: Layer) -> bool:
    """Return whether the size is that of the second input."""
    return not any(map(layer.integer, CROP_SIZES)) and not any(map(layer.has_list, CROP_SLICES))


def _weights(key: int) -> Callable[[Layer], bool]:
    """Return a function that says whether the weights are an input, as the parameter of this number tells."""
    return lambda layer: layer.integer(key) != 0


FIXED: Mapping[str, int] = {
    **dict.fromkeys(("CopyTo", "DeformableConv2D", "Eltwise", "GridSample", "MatMul"), 2),
    **dict.fromkeys(("PSROIPooling", "ROIAlign", "ROIPooling"), 2),
    **dict.fromkeys(("DetectionOutput", "Proposal", "RotaryEmbed", "SDPA"), 3),
}
BY_PARAMETERS: Mapping[str, Callable[[Layer], bool]] = {
    "BinaryOp": lambda layer: not layer.integer(1),  # else the second operand is a number in the file
    "Crop": _crop,
    "Scale": lambda layer: layer.integer(0) == UNSET,
    **dict.fromkeys(("Convolution", "Convolution1D", "ConvolutionDepthWise"), _weights(19)),
    **dict.fromkeys(("Deconvolution", "DeconvolutionDepthWise"), _weights(28)),
}
