"""What ``lpbench new-app`` tells a processor about a model, and what the processor assumes from it.

A processor's spec names a function (``ProcessorSpec.guess``) that takes the facts and returns the step, or None
where the processor does not suit the app.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import TensorInfo


@dataclass(frozen=True)
class AppFacts:
    """What is known of a model and the app around it.

    :param app_class: For example ``image_classification``; ``model`` for a bare model.
    :param inputs: The model's inputs; empty if they are not known.
    :param outputs: The model's outputs; empty if they are not known.
    :param labels: Number of class names; 0 if the app has none.
    """

    app_class: str
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()
    labels: int = 0


@dataclass(frozen=True)
class GuessedStep:
    """The settings of a processor in a new app, and how they came about.

    :param settings: The processor's settings, without ``type``, as JSON values.
    :param assumed: What was assumed, one line each, with the setting that corrects it.  A line that begins with
        ``CHECK:`` is about something that is probably wrong.
    :param layouts: By the names of inputs whose layout was not known: the layout assumed, for example ``NCHW``.
    :param tile: Width and height of the image input where the model leaves them open and the settings follow them;
        None for others.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    layouts: Mapping[str, str] = field(default_factory=dict)
    tile: tuple[int, int] | None = None
