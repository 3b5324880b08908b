"""Layers on the DLA cores of a Jetson, and those that a core does not support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_trt._library import trt

if TYPE_CHECKING:
    from lpbench_trt._options import BuildOptions
    from lpbench_trt._parse import Draft

SHOWN = 10
"""Layers that an error names."""


def check(core: int, cores: int) -> None:
    """Refuse a DLA core that is not among those of this machine.

    :param cores: Their number.
    :raises EngineError: The remedy lists them.
    """
    if core >= cores:
        here = ", ".join(f"dla:{number}" for number in range(cores))
        raise EngineError(f"there is no device dla:{core}", hint=f"DLA cores here: {here or 'none'}")


def assign(draft: Draft, options: BuildOptions) -> list[str]:
    """Give the network to a DLA core, if that is asked for; return the layers that run on the GPU instead.

    :raises EngineError: There is no such core, or it does not support a layer and nothing else may run it.
    """
    if options.dla is None:
        return []
    check(options.dla, draft.builder.num_DLA_cores)
    config = draft.config
    layers = draft.layers()
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = options.dla
    if options.dla_fallback:
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    others = [str(layer.name) for layer in layers if not config.can_run_on_DLA(layer)]
    if others and not options.dla_fallback:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        raise EngineError(
            f"dla:{options.dla} does not support {len(others)} of {len(layers)} layers: "
            f"{', '.join(others[:SHOWN])}{more}",
            hint="let the GPU run them: dla_fallback=true",
        )
    return others
