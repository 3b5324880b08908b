"""What a plan depends on: the part of the engine's options, or of the converter's, that changes the product."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt.config import AUTO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench_trt.config import PlanConfig, Precision


@dataclass(frozen=True)
class BuildOptions:
    """Options of the builder; see ``PlanConfig``.

    :param dla: Number of the DLA core; None for the GPU.
    """

    precision: Precision = "F32"
    tf32: bool = False
    workspace_mb: int = 0
    optimization_level: int = -1
    max_aux_streams: int = -1
    min_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    max_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dla: int | None = None
    dla_fallback: bool = False

    @property
    def typed(self) -> bool:
        """Whether layers are to compute as the model types its tensors."""
        return self.precision == AUTO

    def values(self) -> dict[str, object]:
        """Return the options by name, as JSON values."""
        return asdict(self)


def of(config: PlanConfig, precision: Precision) -> BuildOptions:
    """Return the part of the options that changes plans.

    :param config: The engine's options, or the converter's.
    """
    return BuildOptions(
        precision,
        config.tf32,
        config.workspace_mb,
        config.optimization_level,
        config.max_aux_streams,
        dict(config.min_shapes),
        dict(config.max_shapes),
        config.index if config.on_dla else None,
        config.dla_fallback,
    )


def refuse_for_plan(config: PlanConfig) -> None:
    """Refuse options of the builder for a plan, which was built without them; its precision is known when it is loaded.

    :raises EngineError: Naming the options.
    """
    usual = BuildOptions(dla=config.index if config.on_dla else None).values()
    given = [name for name, value in of(config, "F32").values().items() if value != usual[name]]
    if given:
        raise EngineError(
            f"options of the builder do not apply to a plan, which is built already: {', '.join(given)}",
            hint="build it anew with them: lpbench convert MODEL.onnx --to plan --set KEY=VALUE",
        )
