"""Plans, which are TensorRT's compiled models: given as files, taken from the cache, or built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_trt.config import TensorrtConfig


@dataclass(frozen=True)
class Plan:
    """A serialised engine.

    :param content: The bytes.
    :param path: The file that holds them, for errors; None if there is none.
    :param from_cache: Whether it was built before; None for a plan file of the user's, of which that is not known.
    :param build_s: Seconds that the build took, also if that was before; None for a plan file.
    :param facts: What building told: the precision allowed, layers that fell back from a DLA core.
    """

    content: bytes | memoryview | mmap.mmap
    path: Path | None = None
    from_cache: bool | None = None
    build_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def obtain(model: Model, config: TensorrtConfig, shapes: Shapes) -> Plan:
    """Return the plan of a model; builds it, in this process, if it is neither given nor in the cache.

    :raises EngineError: The model cannot be read or built as requested; the error names the file.
    """
    if model.format == "plan":
        return Plan(model.path.read_bytes(), model.path)
    raise EngineError(f"{config.unit}: cannot build a plan for {len(shapes)} shapes", where=str(model.path))
