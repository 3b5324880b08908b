"""An engine as it is asked to run: a value that can be named, compared, hashed and put into a table."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass, field
from typing import Any

NAMED = ("device", "threads")
"""Options of an engine that have fields of their own: every engine means the same by them."""


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

    def __hash__(self) -> int:
        # Options may hold anything: their names are enough, since equal configurations only have to hash alike.
        named = (self.engine, self.device, self.threads, self.variant, self.batch, self.streams, tuple(self.affinity))
        return hash((*named, *sorted(map(str, self.options)), *sorted(self.shapes)))

    @classmethod
    def of(cls, engine: str, engine_options: Mapping[str, Any], **how: Any) -> EngineConfiguration:
        """Return the configuration of an engine with its options, ``device`` and ``threads`` among them.

        :param how: Other fields: ``shapes``, ``batch``, ``streams``, ``affinity``, ``variant``.
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
    def label(self) -> str:
        """What ``--engine`` takes, ``onnxruntime:threads=2``, with variant, batch and streams where they are given."""
        words = [f"{name}={value}" for name, value in self.engine_options.items()]
        words += [f"variant={self.variant}"] if self.variant else []
        words += [f"{name}={getattr(self, name)}" for name in ("batch", "streams") if getattr(self, name) > 1]
        return ":".join([self.engine, *words])
