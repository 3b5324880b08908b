"""An engine as it is asked to run: a value that can be named, compared, hashed and put into a table."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass, field
from typing import Any

from lpbench.util.spans import write_cores, write_sizes

NAMED = ("device", "threads")
"""Options of an engine that have fields of their own: every engine means the same by them."""
COMMON = ("variant", "batch", "streams", "tile", "affinity", "app")
"""Words that every engine takes beside options of its own."""
SHAPE = "shape."
"""Begins the word for an input's shape: ``shape.input=1x3x224x224``."""
OWN = "set."
"""Begins the word for an engine's own option, which may be called like a word that every engine takes."""
BETWEEN_CORES = "+"
"""A comma stands between engines."""


@dataclass(frozen=True)
class EngineConfiguration:
    """One engine with everything that decides how it runs a model.

    :param engine: The engine's own name.
    :param device: What the engine calls the device, ``cuda:0`` for example; None leaves it to the engine.
    :param threads: Threads that compute; None leaves it to the engine.
    :param options: Other fields of the engine's config.
    :param variant: The app's model variant; empty for the app's own model.
    :param shapes: Shapes of the model's inputs with open dimensions, by input.
    :param batch: Samples that the model takes at a time.
    :param streams: Sessions side by side, each in a thread.
    :param affinity: Cores that the worker may use; empty leaves it to the system.
    :param tile: Width and height of the first model's image input; None for the model's own.
    :param environment: The Python environment in which the engine runs, as it was named; empty is the caller's.
    :param app: The app that it runs, as it was named, where several are measured together; empty is the first.
    """

    engine: str
    device: str | None = None
    threads: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    batch: int = 1
    streams: int = 1
    affinity: tuple[int, ...] = ()
    tile: tuple[int, int] | None = None
    environment: str = ""
    app: str = ""

    def __hash__(self) -> int:
        # Options may hold anything: their names are enough, since equal configurations only have to hash alike.
        named = (self.engine, self.device, self.threads, self.variant, self.batch, self.streams, self.tile)
        return hash(
            (*named, self.environment, self.app, *self.affinity, *sorted(map(str, self.options)), *sorted(self.shapes))
        )

    @classmethod
    def of(cls, engine: str, engine_options: Mapping[str, Any], **how: Any) -> EngineConfiguration:
        """Return the configuration of an engine with its options, ``device`` and ``threads`` among them.

        :param how: Other fields: ``shapes``, ``batch``, ``streams``, ``affinity``, ``variant``, ``tile``.
        """
        named = {name: engine_options[name] for name in NAMED if name in engine_options}
        others = {name: value for name, value in engine_options.items() if name not in NAMED}
        return cls(engine, options=others, **named, **how)

    @property
    def engine_options(self) -> dict[str, Any]:
        """The fields of the engine's config: ``options``, with ``device`` and ``threads`` where they are given."""
        named = {name: getattr(self, name) for name in NAMED}
        return {**{name: value for name, value in named.items() if value is not None}, **self.options}

    @property
    def words(self) -> dict[str, Any]:
        """The values behind the words that ``--engine`` takes, by word; what is as it would be without is left out."""
        options = {f"{OWN}{key}" if _taken(key) else key: value for key, value in self.engine_options.items()}
        common = {
            "app": self.app,
            "variant": self.variant,
            "batch": self.batch if self.batch != 1 else None,
            "streams": self.streams if self.streams != 1 else None,
            "tile": self.tile,
            **{f"{SHAPE}{name}": shape for name, shape in self.shapes.items()},
            "affinity": tuple(self.affinity),
        }
        return {**options, **{key: value for key, value in common.items() if value or key.startswith(SHAPE)}}

    @property
    def label(self) -> str:
        """What ``--engine`` takes: ``onnxruntime:threads=2:batch=8``."""
        return ":".join([self.place, *(word(key, value) for key, value in self.words.items())])

    @property
    def place(self) -> str:
        """The engine, and the environment in which it runs if that is not the caller's: ``onnxruntime@env:old``."""
        return f"{self.engine}@{self.environment}" if self.environment else self.engine


def engine_name(text: str) -> str:
    """Return the engine that words of ``--engine`` name, without environment and options."""
    return re.split(r"[:@]", text, maxsplit=1)[0]


def word(key: str, value: Any) -> str:
    """Return one word of ``--engine``: ``threads=2``, ``tile=96x96``, ``affinity=0-1+4``."""
    if key == "affinity":
        return f"{key}={write_cores(value, between=BETWEEN_CORES)}"
    return f"{key}={write_sizes(value) if key == 'tile' or key.startswith(SHAPE) else value}"


def is_common(key: str) -> bool:
    """Say whether a word is one that every engine takes, and no option of its own."""
    return key in COMMON or key.startswith(SHAPE)


def _taken(key: str) -> bool:
    """Say whether an engine's option is called like a word that every engine takes."""
    return is_common(key) or key.startswith(OWN)
