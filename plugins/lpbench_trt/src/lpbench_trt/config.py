"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Final, Literal

from lpbench.plugin.kit.untrusted import brief

DEVICE = re.compile(r"(gpu|dla)(?::([0-9]{1,3}))?", re.IGNORECASE)
AUTO: Final = "auto"
Precision = Literal["F32", "F16", "BF16", "S8", "auto"]
MEGABYTES = 1 << 20
"""Most megabytes of workspace that can be asked for: more than any device has."""
LEVELS = 5
"""The highest of TensorRT's optimisation levels."""
STREAMS = 1024
DIMENSIONS = 8
"""Most dimensions of a tensor of TensorRT (``Dims.MAX_DIMS``)."""
SIZE = (1 << 31) - 1


@dataclass(frozen=True)
class PlanConfig:
    """Options of the converter ``tensorrt``, which are those of the engine that change a plan.

    :param device: ``gpu``, with an index if there are several: ``gpu:1``; or a DLA core of a Jetson: ``dla:0``.
    :param tf32: Allow TensorFloat-32, which has F16's 10 bits of fraction, in layers of F32.
    :param workspace_mb: Device memory in MB that a layer may use while it computes; 0 = TensorRT's own limit.
    :param optimization_level: From 0, which builds fast, to 5, which tries most; -1 = TensorRT's own.
    :param min_shapes: The smallest shape that inputs with open dimensions take, by input; the requested shape
        (``--shape``) is the one to optimise for.  Of an input from whose values shapes follow, the smallest values.
    :param max_shapes: The largest, likewise; without a requested shape, it is also the one to optimise for.
    :param dla_fallback: Run layers that a DLA core does not support on the GPU.
    :param timing_cache: Keep the builder's timings of kernels in lpbench's cache: further builds take less time.
    :param plugins: Libraries with custom layers, loaded before the model.
    :param max_aux_streams: Streams on which one run may compute beside its own; -1 = TensorRT's own limit.
    :raises ValueError: A value is out of range.
    """

    device: str = "gpu"
    tf32: bool = False
    workspace_mb: int = 0
    optimization_level: int = -1
    min_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    max_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dla_fallback: bool = False
    timing_cache: bool = True
    plugins: tuple[str, ...] = ()
    max_aux_streams: int = -1

    def __post_init__(self) -> None:
        check_device(self.device)
        refuse_outside("workspace_mb", self.workspace_mb, 0, MEGABYTES)
        refuse_outside("optimization_level", self.optimization_level, -1, LEVELS)
        refuse_outside("max_aux_streams", self.max_aux_streams, -1, STREAMS)
        if self.dla_fallback and not self.on_dla:
            raise ValueError(f"dla_fallback: found true with the device {self.device}; expected it with dla:0 alone")
        check_ranges(self.min_shapes, self.max_shapes)

    @property
    def on_dla(self) -> bool:
        """Whether a DLA core computes."""
        return self.device.lower().startswith("dla")

    @property
    def index(self) -> int:
        """Number of the GPU, or of the DLA core."""
        return int(self.device.partition(":")[2] or 0)

    @property
    def gpu(self) -> int:
        """Number of the GPU as CUDA counts; DLA cores belong to the first one."""
        return 0 if self.on_dla else self.index

    @property
    def unit(self) -> str:
        """The device as lpbench writes it, with its index: ``gpu:0``."""
        return f"{'dla' if self.on_dla else 'gpu'}:{self.index}"

    @property
    def processor(self) -> str:
        """What computes: ``GPU`` or ``DLA``."""
        return "DLA" if self.on_dla else "GPU"


@dataclass(frozen=True)
class TensorrtConfig(PlanConfig):
    """Options of the engine ``tensorrt``: those of ``PlanConfig``, and these.

    :param precision: Precision in which layers may compute.  ``F32`` allows nothing narrower; ``F16``, ``BF16`` and
        ``S8`` let the builder choose that precision too; ``S8`` needs a model with QuantizeLinear and DequantizeLinear.
        ``auto`` computes as the model's tensors are typed.
    :param graph: Capture a run as a CUDA graph and replay it.
    :param wait: Wait for the device actively, or blocked until the driver wakes the thread.
    :param plan_cache: Keep built plans in lpbench's cache folder.
    :raises ValueError: A value is out of range.
    """

    precision: Precision = "F32"
    graph: bool = False
    wait: Literal["spin", "block"] = "spin"
    plan_cache: bool = True


def check_device(device: str) -> None:
    """Check the name of a device.

    :raises ValueError: It is none.
    """
    if not DEVICE.fullmatch(device):
        raise ValueError(f"device: found {brief(device)}; expected gpu, gpu:0 or dla:0")


def refuse_outside(name: str, value: int, least: int, most: int) -> None:
    """Check an option that is a number.

    :raises ValueError: It is below ``least`` or above ``most``.
    """
    if not least <= value <= most:
        raise ValueError(f"{name}: found {brief(value)}; expected {least} to {most}")


def check_ranges(smallest: Mapping[str, tuple[int, ...]], largest: Mapping[str, tuple[int, ...]]) -> None:
    """Check the shapes of optimisation profiles, as far as they can be without the model.

    :raises ValueError: A shape is none, or the smallest does not fit into the largest.
    """
    for option, shapes in (("min_shapes", smallest), ("max_shapes", largest)):
        for name, shape in shapes.items():
            if len(shape) > DIMENSIONS or not all(0 <= size <= SIZE for size in shape):
                expected = f"at most {DIMENSIONS} sizes from 0 to {SIZE}"
                raise ValueError(f"{option}: {brief(name)} has {brief(list(shape))}; expected {expected}")
    for name in smallest.keys() & largest.keys():
        low, high = smallest[name], largest[name]
        if len(low) != len(high) or any(map(operator.gt, low, high)):
            raise ValueError(
                f"min_shapes: found {list(low)} for {brief(name)}; expected at most max_shapes, {list(high)}"
            )
