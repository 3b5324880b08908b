"""Settings of the postprocessors of vision models: one dataclass for each postprocessor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class AppFile:
    """A file of the app.

    :param file: Its name in the app's folder; lpbench replaces it by the path.
    """

    file: str


@dataclass(frozen=True)
class MeshConfig:
    """How the points of a mesh become landmarks.

    :param points: Name of the output with x, y and depth of each point, in pixels of the model's input.
    :param flag: Name of the output with the logit that the object is present; default: the score is 1.
    """

    points: str = ""
    flag: str = ""


@dataclass(frozen=True)
class IrisConfig:
    """How the points of an eye become landmarks.

    :param contour: Name of the output with x, y and depth of the lids and brow, in pixels of the model's input.
    :param iris: Name of the output with x, y and depth of the iris: its centre, then four points of its rim.
    """

    contour: str = ""
    iris: str = ""


@dataclass(frozen=True)
class HeadPoseConfig:
    """How the points of a face mesh become the angles of a head.

    :param points: Name of the output with x, y and depth of 468 points, in pixels of the model's input.
    """

    points: str = ""


@dataclass(frozen=True)
class KeypointsConfig:
    """How key points become bodies.

    :param output: Name of the output; may be omitted if there is only one.
    :param threshold: Lowest score of a body, which is the mean of its points' scores; the default is that of
        TensorFlow's pose detection for MoveNet.
    """

    output: str = ""
    threshold: float = 0.25

    def __post_init__(self) -> None:
        _check_share("threshold", self.threshold)


@dataclass(frozen=True)
class EmbeddingConfig:
    """How a vector becomes a unit vector, and is matched with a gallery of known vectors.

    :param output: Name of the output; may be omitted if there is only one.
    :param gallery: An ``.npz`` file with one vector for each name.
    :param threshold: Lowest cosine that counts as a match.
    :param top_k: Largest number of matches in a prediction, best first.
    """

    output: str = ""
    gallery: AppFile | None = None
    threshold: float = 0.5
    top_k: int = 5

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1:
            _fail(f"threshold must be -1 to 1, found {self.threshold!r}")
        if self.top_k < 1:
            _fail(f"top_k must be 1 or more, found {self.top_k}")


@dataclass(frozen=True)
class AgeGenderConfig:
    """How two outputs become an age and a gender; a model may have only one of them.

    :param age: Name of the output with the age.
    :param gender: Name of the output with the gender: one number from 0 to 1.
    :param form: ``classes``: the output has one probability for each year, from 0 on; ``years``: it is the age itself.
    :param best: Number of the most probable years whose mean, weighted by the probabilities, is the age.
    :param genders: Labels for numbers up to 0.5 and above.
    """

    age: str = ""
    gender: str = ""
    form: Literal["classes", "years"] = "classes"
    best: int = 5
    genders: tuple[str, str] = ("female", "male")

    def __post_init__(self) -> None:
        if not self.age and not self.gender:
            _fail("name the outputs: age, gender or both")
        if self.best < 1:
            _fail(f"best must be 1 or more, found {self.best}")


@dataclass(frozen=True)
class MaskConfig:
    """How scores for each pixel become a mask.

    :param output: Name of the output; may be omitted if there is only one.
    :param threshold: For one channel: pixels with values above it belong to the object.
    :param layout: Order of the output's dimensions; ``auto`` uses the layout that the model declares, or else takes the
        dimension that is 1, or the number of labels, as the channels.
    """

    output: str = ""
    threshold: float = 0.5
    layout: Literal["auto", "NCHW", "NHWC"] = "auto"


@dataclass(frozen=True)
class TextBoxesConfig:
    """How a map of probabilities becomes boxes around lines of text.

    :param output: Name of the output; may be omitted if there is only one.
    :param threshold: Pixels of the map with probabilities above it belong to text.
    :param box_threshold: Lowest mean probability inside a box.
    :param grow: Each side moves outwards by area * ``grow`` / perimeter of the box, because models are trained on
        shrunken boxes.
    :param smallest: Lowest short side of a box before it grows, in pixels of the map.
    :param limit: Largest number of areas that are evaluated.
    """

    output: str = ""
    threshold: float = 0.3
    box_threshold: float = 0.5
    grow: float = 1.6
    smallest: float = 3.0
    limit: int = 1000

    def __post_init__(self) -> None:
        _check_share("threshold", self.threshold)
        _check_share("box_threshold", self.box_threshold)
        for name in ("grow", "smallest"):
            if not 0 <= getattr(self, name) < float("inf"):
                _fail(f"{name} must be 0 or more, found {getattr(self, name)!r}")
        if self.limit < 1:
            _fail(f"limit must be 1 or more, found {self.limit}")


@dataclass(frozen=True)
class CtcConfig:
    """How scores for each step become text.

    :param output: Name of the output; may be omitted if there is only one.
    :param characters: A UTF-8 file with one character per line, in the order of the classes without the blank.
        Default: the app's labels.
    :param blank: Class that stands for no character.
    :param space: Whether the last class is a space, which a list of labels cannot contain.
    """

    output: str = ""
    characters: AppFile | None = None
    blank: int = 0
    space: bool = False

    def __post_init__(self) -> None:
        if self.blank < 0:
            _fail(f"blank must be 0 or more, found {self.blank}")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        _fail(f"{name} must be 0 to 1, found {value!r}")


def _fail(what: str) -> None:
    raise ValueError(what)
