"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lpbench.plugin.kit.untrusted import brief

DEVICE = re.compile(r"npu(?::([0-9]{1,4}))?", re.IGNORECASE)
Memory = Literal["huge-first", "huge-only", "normal"]


@dataclass(frozen=True)
class AclConfig:
    """Options of the engine ``acl``.

    :param device: ``npu``, with an index if there are several: ``npu:1``.
    :param asynchronous: Queue copies and the model on a stream and wait once, at the end of a run.  ``false`` makes
        the calls that wait each by itself, and cannot time the device's activities.
    :param memory: Pages of the device memory of inputs and outputs: huge ones where there are some, huge ones alone,
        or normal ones.
    :raises ValueError: The device is none.
    """

    device: str = "npu"
    asynchronous: bool = True
    memory: Memory = "huge-first"

    def __post_init__(self) -> None:
        if not DEVICE.fullmatch(self.device):
            raise ValueError(f"device: found {brief(self.device)}; expected npu, or npu:1 for the second one")

    @property
    def index(self) -> int:
        """Number of the NPU as AscendCL counts."""
        return int(self.device.partition(":")[2] or 0)

    @property
    def unit(self) -> str:
        """The device as lpbench writes it, with its index: ``npu:0``."""
        return f"npu:{self.index}"
