"""Guesses what a model of a class expects, and says each guess in words."""

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
"""Height and width that most ImageNet models take, in pixels."""
MARGIN = 256 / 224
"""Short side of the scaled photo over the crop, as ImageNet models are evaluated."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training photos by channel, red first, with values from 0 to 1."""
UNSIGNED = ("uint8", "int8")


@dataclass
class Guess:
    """The steps around a model, and what was assumed, one line each."""

    preprocessing: dict[str, Any]
    postprocessing: dict[str, Any]
    inputs: list[TensorInfo] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


def guess(app_class: str, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], labels: int) -> Guess:
    """Return steps that suit a class and a model.

    :param inputs: The model's inputs; empty where they are not known.
    :param labels: How many class names there are.
    """
    pre = _offered(PREPROCESSORS, app_class) or ("image" if app_class in IMAGE_CLASSES else "tensors")
    post = _offered(POSTPROCESSORS, app_class) or ("classification" if app_class in CLASSIFIERS else "tensors")
    made = Guess({"type": pre}, {"type": post}, list(inputs))
    if pre == "image":
        _guess_image(made, app_class)
    elif pre == "tensors":
        _guess_tensors(made)
    if post == "classification":
        _guess_classes(made, outputs, labels)
    return made


def _offered(kind: Kind[ProcessorSpec], app_class: str) -> str:
    """Return the first processor that says that it serves the class."""
    offers = current().all(kind).values()
    return next((offer.spec.name for offer in offers if app_class in offer.spec.classes and not offer.clash), "")


def _guess_image(made: Guess, app_class: str) -> None:
    made.inputs = [dataclasses.replace(each, layout=each.layout or _layout(each)) for each in made.inputs]
    image = next((each for each in made.inputs if each.layout), None)
    height, width, channels = _extent(image)
    if image is None or None in (height, width):
        made.assumed.append(f"the model takes photos of {SIZE}x{SIZE}, as its file does not tell")
    size = [height or SIZE, width or SIZE]
    grey = channels == 1
    made.preprocessing["color"] = "GREY" if grey else "RGB"
    made.assumed.append(f"the channels are {'grey' if grey else 'red, green, blue'}; color may be RGB, BGR or GREY")
    if app_class == "image_classification" and size[0] == size[1]:
        short = round(size[0] * MARGIN)
        made.preprocessing |= {"resize": {"mode": "short-side", "size": short}, "crop": size[0]}
        made.assumed.append(f"a photo's short side is scaled to {short} and its centre, {size[0]}x{size[0]}, is kept")
    else:
        made.preprocessing["resize"] = {"mode": "stretch", "size": size}
        made.assumed.append(f"a photo is stretched to {size[0]}x{size[1]} (height x width)")
    _guess_values(made, app_class, image.dtype if image else "float32", grey=grey)


def _guess_values(made: Guess, app_class: str, dtype: str, *, grey: bool) -> None:
    if dtype in UNSIGNED:
        made.assumed.append(f"values stay 0 to 255, as the input is {dtype}")
    elif app_class == "image_classification" and not grey:
        made.preprocessing["normalise"] = {"mean": list(MEAN), "std": list(DEVIATION)}
        made.assumed.append("values are scaled to 0 to 1, then normalised by ImageNet's mean and deviation (normalise)")
    else:
        made.assumed.append("values are scaled to 0 to 1; normalise takes a scale, a mean and a deviation")


def _guess_tensors(made: Guess) -> None:
    made.assumed.append("inputs are synthetic, or read from .npy and .npz files")
    try:
        resolve_shapes(made.inputs, {})
    except ProcessorError as error:
        made.assumed.append(f'{error.what}: write "shapes": {{"NAME": [sizes]}} under preprocessing before running')


def _guess_classes(made: Guess, outputs: Sequence[TensorInfo], labels: int) -> None:
    made.assumed.append('scores get a softmax; write "activation": "none" if the model ends in one')
    last = outputs[0].shape[-1] if outputs and outputs[0].shape else None
    if not labels:
        made.assumed.append("classes are shown by number; --labels FILE names them")
    elif isinstance(last, int) and last != labels:
        made.assumed.append(f'CHECK: there are {labels} labels, and output "{outputs[0].name}" has {last} classes')


def _layout(info: TensorInfo) -> str:
    """Return the order of dimensions that a tensor of an image has, or an empty string where it cannot be told."""
    batch = "N" if len(info.shape) == 4 else ""  # noqa: PLR2004 - batch, channels, height, width
    if len(info.shape) not in {3, 4}:
        return ""
    first, last = (info.shape[at] in CHANNELS for at in (-3, -1))
    if first == last:
        return ""
    return f"{batch}CHW" if first else f"{batch}HWC"


def _extent(info: TensorInfo | None) -> tuple[int | None, int | None, int | None]:
    """Return height, width and channels, None where they are open or not known."""
    if info is None:
        return None, None, None
    sizes = dict(zip(info.layout, info.shape, strict=False))
    height, width, channels = (size if isinstance(size := sizes.get(letter), int) else None for letter in "HWC")
    return height, width, channels
