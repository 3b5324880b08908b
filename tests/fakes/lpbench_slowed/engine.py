"""Runs a session of another engine and then spins for a share of the time that it took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin import registry, specs
from lpbench.plugin.engine import Engine, Feeds, Model, Outputs, Session, Shapes
from lpbench.util import dataclass_config as configs

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SlowedConfig:
    """How much slower than which engine.

    :param extra: Time added to each inference, as a share of it: 0.02 makes it 2 % slower.
    :param engine: The engine that does the work.
    :param threads: Threads of that engine.
    """

    extra: float = 0.0
    engine: str = "onnxruntime"
    threads: int = 1


class SlowedEngine(Engine[SlowedConfig]):
    """Opens models with the other engine."""

    def open(self, model: Model, config: SlowedConfig, /, *, shapes: Shapes, profile: bool = False) -> Session:
        """Return the other engine's session, slowed."""
        spec = registry.current().get(registry.ENGINES, config.engine).spec
        kind = specs.load(spec.config, who=spec.name)
        settings = configs.build(kind, {"threads": config.threads}, where=f"options of {spec.name}")
        return SlowedSession(spec.load()().open(model, settings, shapes=shapes, profile=profile), config.extra)


class SlowedSession(Session):
    """Another session, followed by a busy wait.

    :param extra: Share of the other's time.
    """

    def __init__(self, session: Session, extra: float) -> None:
        self.inputs, self.outputs = session.inputs, session.outputs
        self._session, self._extra = session, extra

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run the other session and spin."""
        begun = time.perf_counter_ns()
        outputs = self._session.run(feeds)
        done = time.perf_counter_ns()
        end = done + self._extra * (done - begun)
        while time.perf_counter_ns() < end:
            pass
        return outputs

    def close(self) -> None:
        """Close the other session."""
        self._session.close()

    def describe(self) -> Mapping[str, Any]:
        """Return the other's facts and the share."""
        return {**self._session.describe(), "extra": self._extra}
