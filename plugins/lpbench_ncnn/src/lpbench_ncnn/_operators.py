"""Finds the layers of a network that ncnn does not have, or that it would run on the CPU beside a Vulkan device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ncnn

from lpbench.plugin.operators import UnsupportedOperator, grouped
from lpbench_ncnn import _param
from lpbench_ncnn.config import NcnnConfig

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model

ENDS = frozenset({"Input", "Split", "Noop"})
"""Types that compute nothing."""


def operators(model: Model, config: NcnnConfig | None) -> tuple[UnsupportedOperator, ...]:
    """Return the layer types that this build of ncnn lacks; with a Vulkan device, also those it has for CPUs only.

    :raises EngineError: The .param cannot be read.
    """
    config = config or NcnnConfig()
    layers = _param.read(model.path).layers
    why = {kind: _obstacle(kind, vulkan=config.vulkan is not None) for kind in {layer.type for layer in layers}}
    return grouped((layer.type, layer.name, why[layer.type]) for layer in layers if why[layer.type])


def _obstacle(kind: str, *, vulkan: bool) -> str:
    if ncnn.layer_to_index(kind) < 0:
        return f"ncnn {ncnn.__version__} does not have it"
    layer = ncnn.create_layer(kind)
    if layer is None:
        return f"ncnn {ncnn.__version__} was built without it"
    return "runs on the CPU" if vulkan and kind not in ENDS and not layer.support_vulkan else ""
