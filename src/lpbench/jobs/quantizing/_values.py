"""What came of storing an app's models in a shorter precision."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

from lpbench.util.shown import Shown, several
from lpbench.util.unavailable import Unavailable

UNKNOWN = Unavailable("it was not measured")


class Step(NamedTuple):
    """Progress: a format, what is done for it, and how far that is.

    :param format: Empty while the app itself is run.
    :param done: Samples evaluated so far, out of ``total``; 0 of 0 where there is nothing to count.
    """

    format: str
    phase: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Quality:
    """What a quality metric found of the app's labelled samples.

    :param unit: Empty for a fraction from 0 to 1.
    :param before: Of the app's own model, None where it has no value.
    :param after: Of the model in the shorter precision.
    :param passes: Whether ``after`` meets the app's quality gate; None without a gate.
    """

    metric: str
    unit: str
    samples: int
    before: float | None
    after: float | None
    passes: bool | None


@dataclass(frozen=True)
class QuantizedModel:
    """One model in a shorter precision, or why there is none.

    :param component: Name of the component whose model it is; empty where none was made.
    :param variant: The name under which the app has it: ``--engine ENGINE:variant=…`` chooses it.
    :param converter: Name and version.
    :param files: The main file first; empty where no model was made.
    :param before_bytes: Size of the source's files.
    :param after_bytes: Size of its own files.
    :param calibration: Samples from which the ranges of activations were taken; 0 for a precision that needs none.
    :param synthetic: Whether the app's preprocessor made them up, for lack of samples.
    :param max_absolute: Largest error of an output, ``cosine`` the least cosine between an output and the source's.
    :param engine: What ran it, as users run it; the answers below are this engine's.
    :param same: Number of samples with the same best answer as the app's own model; ``of`` had such answers.
    :param same_boxes: Boxes that both found, out of ``boxes`` of the app's own model.
    :param quality: What its quality is, or why that is not known.
    :param reason: Why no model was made; empty where one was.
    :param hint: What to do about it.
    :param unanswered: Why its answers were not compared with those of the app's own model; empty where they were.
    """

    format: str
    precision: str
    component: str = ""
    variant: str = ""
    converter: str = ""
    files: tuple[str, ...] = ()
    before_bytes: int = 0
    after_bytes: int = 0
    calibration: int = 0
    synthetic: bool = False
    max_absolute: float | None = None
    cosine: float | None = None
    engine: str = ""
    same: int = 0
    of: int = 0
    same_boxes: int = 0
    boxes: int = 0
    quality: Quality | Unavailable = UNKNOWN
    reason: str = ""
    hint: str = ""
    unanswered: str = ""

    @property
    def made(self) -> bool:
        """Whether there is a model."""
        return not self.reason

    @property
    def fails(self) -> bool:
        """Whether its quality misses the app's gate."""
        return isinstance(self.quality, Quality) and self.quality.passes is False


@dataclass(frozen=True, repr=False)
class Quantized(Shown):
    """What came of every format.

    :param recorded: Whether the models are in the app, or beside a pulled one; those of a bare model are files.
    :param samples: Samples whose answers were compared.
    """

    app: str
    precision: str
    models: tuple[QuantizedModel, ...]
    recorded: bool
    samples: int = 0

    def in_short(self) -> str:
        """Return the formats that were made."""
        made = several([model.format for model in self.models if model.made])
        return f"{self.app}, {self.precision}: {made or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary ready for JSON; what is not known is null with its reason."""
        from lpbench.util.jsonable import to_jsonable

        document = dataclasses.asdict(self)
        for model, record in zip(self.models, document["models"], strict=True):
            if isinstance(model.quality, Unavailable):
                record["quality"], record["quality_reason"] = None, model.quality.reason
            record["fails"] = model.fails
        return to_jsonable(document)  # type: ignore[no-any-return] # a dictionary remains a dictionary
