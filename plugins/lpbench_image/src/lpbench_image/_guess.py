"""What ``lpbench new-app`` assumes of a vision model; imports neither cv2 nor numpy."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from lpbench.errors import either
from lpbench.plugin.guessing import GuessedStep

if TYPE_CHECKING:
    from lpbench.plugin.engine import TensorInfo
    from lpbench.plugin.guessing import AppFacts

CLASSES = frozenset(
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
"""Classes of apps whose samples are images and whose models take a whole image."""
CHANNELS = (1, 3)
SIZE = 224
"""Height and width of the input of most ImageNet models, in pixels."""
RANK = 4
"""Dimensions of an image input that takes a tile: batch, channels, height and width."""
CROP_SHARE = 0.875
"""Share of the scaled photo's short side that the crop takes, as in the usual evaluation of ImageNet models."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's training photos by channel, red first, with values from 0 to 1."""
PEAK = 255
"""Largest value of a pixel."""
IMAGENET = {"mean": list(MEAN), "std": list(DEVIATION)}
LOWEST = {"uint8": 0, "int8": -128}
"""Types that hold a pixel in one byte, with their smallest value."""
WHOLE = ("uint8", "int32")
"""Types that hold pixels as they are."""
NEAR = 0.05
"""How far the ends of a quantised input's range may be from those of a usual normalisation, as a share of the range."""


class Usual(NamedTuple):
    """A usual normalisation: the real values that the darkest and the brightest pixel become, and its settings."""

    low: float
    high: float
    settings: dict[str, Any]


USUAL = (
    Usual(0, 1, {"scale": 1 / PEAK}),
    Usual(-1, 1, {"scale": 2 / PEAK, "mean": 1}),
    Usual(0, PEAK, {"scale": 1}),
    Usual(
        min(-mean / std for mean, std in zip(MEAN, DEVIATION, strict=True)),
        max((1 - mean) / std for mean, std in zip(MEAN, DEVIATION, strict=True)),
        IMAGENET,
    ),
)


class Part(NamedTuple):
    """Some of a processor's settings, and the lines that say what was assumed."""

    settings: dict[str, Any]
    assumed: tuple[str, ...]


def image(facts: AppFacts) -> GuessedStep | None:
    """Return how an image becomes the input of a model of a class; None if samples of the class are no images."""
    if facts.app_class not in CLASSES:
        return None
    inputs = [dataclasses.replace(info, layout=info.layout or _layout(info)) for info in facts.inputs]
    target = next((info for info in inputs if info.layout), None)
    height, width, channels = _extent(target)
    size, grey = (height or SIZE, width or SIZE), channels == 1
    known = None not in {height, width}
    tile = None if known or target is None or len(target.layout) < RANK else (size[1], size[0])
    parts = (
        _size(*size, known=known, tile=tile is not None),
        _color(grey=grey),
        _framing(facts.app_class, *size, tile=tile is not None),
        _values(facts.app_class, target, grey=grey),
    )
    settings = {key: value for part in parts for key, value in part.settings.items()}
    lines = tuple(line for part in parts for line in part.assumed)
    return GuessedStep(settings, lines, {info.name: info.layout for info in inputs}, tile)


def classification(facts: AppFacts) -> GuessedStep:
    """Return how class scores become labels, and point out labels that do not fit the scores."""
    softmax = 'a softmax is applied to the scores; write "activation": "none" if the model ends in one'
    return GuessedStep(assumed=(softmax, *_labels(facts)))


def _labels(facts: AppFacts) -> tuple[str, ...]:
    scores = facts.outputs[0] if facts.outputs else None
    last = scores.shape[-1] if scores and scores.shape else None
    if not facts.labels:
        return (f"classes are shown by number; {either('--labels FILE', 'labels=FILE')} names them",)
    if scores and isinstance(last, int) and last != facts.labels:
        return (f'CHECK: there are {facts.labels} labels, but output "{scores.name}" has {last} classes',)
    return ()


def _size(height: int, width: int, *, known: bool, tile: bool) -> Part:
    other = f"; {either('--tile WxH', 'tile=(W, H)')} takes another" if tile else ""
    line = f"the input size is {height}x{width}, because the model file does not state it{other}"
    return Part({}, () if known else (line,))


def _color(*, grey: bool) -> Part:
    line = f"the channels are {'grey' if grey else 'red, green, blue'}; color may be RGB, BGR or GREY"
    return Part({"color": "GREY" if grey else "RGB"}, (line,))


def _framing(app_class: str, height: int, width: int, *, tile: bool) -> Part:
    """Return how a photo is brought to the input's size: classifiers see its centre, other models all of it.

    :param tile: Whether the size is that of a tile, which the settings have to follow.
    """
    if app_class == "image_classification" and height == width:
        short = round(height / CROP_SHARE)
        line = f"a photo's short side is scaled to {short} and its centre, {height}x{height}, is kept"
        if tile:
            return Part({"resize": {"mode": "short-side"}, "crop_share": CROP_SHARE}, (line,))
        return Part({"resize": {"mode": "short-side", "size": short}, "crop": height}, (line,))
    line = f"a photo is stretched to {height}x{width} (height x width)"
    return Part({"resize": {"mode": "stretch"} if tile else {"mode": "stretch", "size": [height, width]}}, (line,))


def _values(app_class: str, target: TensorInfo | None, *, grey: bool) -> Part:
    """Return how values from 0 to 255 become those that the model takes."""
    dtype = target.dtype if target else ""
    if target and target.scale and dtype in LOWEST:
        return _quantised(target.scale, (target.zero_point or 0) - LOWEST[dtype], grey=grey)
    if dtype in WHOLE:
        return Part({}, (f"values stay in the range 0 to 255, because the input is {dtype}",))
    if dtype in LOWEST:
        line = f"CHECK: values become -128 to 127, because the input is {dtype} without a scale (normalise)"
        return Part({"normalise": {"scale": 1, "mean": -LOWEST[dtype]}}, (line,))
    if app_class == "image_classification" and not grey:
        line = "values are scaled to 0 to 1, then normalised by ImageNet's mean and deviation (normalise)"
        return Part({"normalise": IMAGENET}, (line,))
    return Part({}, ("values are scaled to 0 to 1; normalise takes a scale, a mean and a deviation",))


def _quantised(scale: float, steps: int, *, grey: bool) -> Part:
    """Return the usual normalisation whose range the input holds, else one that uses the whole range.

    :param scale: Real value of one step.
    :param steps: Steps from the smallest integer to the one that stands for zero.
    """
    low, high = -steps * scale, (PEAK - steps) * scale
    room = NEAR * (high - low)
    fitting = (usual for usual in USUAL if abs(usual.low - low) <= room and abs(usual.high - high) <= room)
    usual = next((usual for usual in fitting if not (grey and usual.settings is IMAGENET)), None)
    held = f"the quantised input holds {low:.3g} to {high:.3g}"
    if usual is None:
        line = f"CHECK: pixels are spread over the whole range, because {held} (normalise)"
        return Part({"normalise": {"scale": scale, "mean": steps * scale}}, (line,))
    words = "normalised by ImageNet's mean and deviation"
    scaled = words if usual.settings is IMAGENET else f"scaled to {usual.low:g} to {usual.high:g}"
    return Part({"normalise": usual.settings}, (f"values are {scaled}, because {held} (normalise)",))


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
