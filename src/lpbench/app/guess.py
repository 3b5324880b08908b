"""Guesses the processing steps that a model of a class expects, and describes each assumption."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench.plugin.builtin.tensors import resolve_shapes
from lpbench.plugin.registry import POSTPROCESSORS, PREPROCESSORS, current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import TensorInfo
    from lpbench.plugin.registry import Kind
    from lpbench.plugin.specs import ProcessorSpec

IMAGE_CLASSES = frozenset(
    {
        "image_classification",
        "object_classification",
        "object_detection",
        "face_detection",
        "face_landmarks",
        "face_recognition",
        "body_pose",
        "age_gender",
        "emotion",
        "head_pose",
        "eye_gaze",
        "segmentation",
    }
)
CLASSIFIERS = frozenset({"image_classification", "object_classification", "emotion"})
CHANNELS = (1, 3)
SIZE = 224
"""Height and width of the input of most ImageNet models, in pixels."""
MARGIN = 256 / 224
"""Ratio of the scaled photo's short side to the crop, as in the usual evaluation of ImageNet models."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's training photos by channel, red first, with values from 0 to 1."""
UNSIGNED = ("uint8", "int8")


@dataclass
class Guess:
    """The steps around a model, and the assumptions made, one line each."""

    preprocessing: dict[str, Any]
    postprocessing: dict[str, Any]
    inputs: list[TensorInfo] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


def guess(app_class: str, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], labels: int) -> Guess:
    """Return steps that suit a class and a model.

    :param inputs: The model's inputs; empty if they are not known.
    :param outputs: The model's outputs; empty if they are not known.
    :param labels: Number of class names.
    """
    pre = _offered(PREPROCESSORS, app_class) or ("image" if app_class in IMAGE_CLASSES else "tensors")
    post = _offered(POSTPROCESSORS, app_class) or ("classification" if app_class in CLASSIFIERS else "tensors")
    steps = Guess({"type": pre}, {"type": post}, list(inputs))
    if pre == "image":
        _guess_image(steps, app_class)
    elif pre == "tensors":
        _guess_tensors(steps)
    if post == "classification":
        _guess_classes(steps, outputs, labels)
    return steps


def _offered(kind: Kind[ProcessorSpec], app_class: str) -> str:
    """Return the first processor whose spec names the class."""
    offers = current().all(kind).values()
    return next((offer.spec.name for offer in offers if app_class in offer.spec.classes and not offer.clash), "")


def _guess_image(steps: Guess, app_class: str) -> None:
    steps.inputs = [dataclasses.replace(info, layout=info.layout or _layout(info)) for info in steps.inputs]
    image = next((info for info in steps.inputs if info.layout), None)
    height, width, channels = _extent(image)
    if image is None or None in (height, width):
        steps.assumed.append(f"the input size is {SIZE}x{SIZE}, because the model file does not state it")
    size = [height or SIZE, width or SIZE]
    grey = channels == 1
    steps.preprocessing["color"] = "GREY" if grey else "RGB"
    steps.assumed.append(f"the channels are {'grey' if grey else 'red, green, blue'}; color may be RGB, BGR or GREY")
    if app_class == "image_classification" and size[0] == size[1]:
        short = round(size[0] * MARGIN)
        steps.preprocessing |= {"resize": {"mode": "short-side", "size": short}, "crop": size[0]}
        steps.assumed.append(f"a photo's short side is scaled to {short} and its centre, {size[0]}x{size[0]}, is kept")
    else:
        steps.preprocessing["resize"] = {"mode": "stretch", "size": size}
        steps.assumed.append(f"a photo is stretched to {size[0]}x{size[1]} (height x width)")
    _guess_values(steps, app_class, image.dtype if image else "float32", grey=grey)


def _guess_values(steps: Guess, app_class: str, dtype: str, *, grey: bool) -> None:
    if dtype in UNSIGNED:
        steps.assumed.append(f"values stay in the range 0 to 255, because the input is {dtype}")
    elif app_class == "image_classification" and not grey:
        steps.preprocessing["normalise"] = {"mean": list(MEAN), "std": list(DEVIATION)}
        scaled = "values are scaled to 0 to 1, then normalised by ImageNet's mean and deviation (normalise)"
        steps.assumed.append(scaled)
    else:
        steps.assumed.append("values are scaled to 0 to 1; normalise takes a scale, a mean and a deviation")


def _guess_tensors(steps: Guess) -> None:
    steps.assumed.append("inputs are synthetic, or read from .npy and .npz files")
    try:
        resolve_shapes(steps.inputs, {})
    except ProcessorError as error:
        steps.assumed.append(f'{error.what}: write "shapes": {{"NAME": [sizes]}} under preprocessing before running')


def _guess_classes(steps: Guess, outputs: Sequence[TensorInfo], labels: int) -> None:
    steps.assumed.append('a softmax is applied to the scores; write "activation": "none" if the model ends in one')
    last = outputs[0].shape[-1] if outputs and outputs[0].shape else None
    if not labels:
        steps.assumed.append("classes are shown by number; --labels FILE names them")
    elif isinstance(last, int) and last != labels:
        steps.assumed.append(f'CHECK: there are {labels} labels, but output "{outputs[0].name}" has {last} classes')


def _layout(info: TensorInfo) -> str:
    """Return the layout of an image tensor, or an empty string if its shape does not determine it."""
    batch = "N" if len(info.shape) == 4 else ""  # noqa: PLR2004 - batch, channels, height, width
    if len(info.shape) not in {3, 4}:
        return ""
    first, last = (info.shape[at] in CHANNELS for at in (-3, -1))
    if first == last:
        return ""
    return f"{batch}CHW" if first else f"{batch}HWC"


def _extent(info: TensorInfo | None) -> tuple[int | None, int | None, int | None]:
    """Return height, width and channels, each None if it is open or not known."""
    if info is None:
        return None, None, None
    sizes = dict(zip(info.layout, info.shape, strict=False))
    height, width, channels = (size if isinstance(size := sizes.get(letter), int) else None for letter in "HWC")
    return height, width, channels
