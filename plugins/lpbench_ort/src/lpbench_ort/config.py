"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Literal

from lpbench.errors import setting
from lpbench.plugin.kit.cores import check_threads

Setting = str | int | float | bool

DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9]*(:[A-Za-z0-9_.]+)?")


@dataclass(frozen=True)
class OrtConfig:
    """Options of the engine ``onnxruntime``.

    :param device: Short name of the execution provider, with an index if there are several devices: ``cpu``,
        ``cuda:0``, ``tensorrt:0``, ``openvino``, ``openvino:GPU``.
    :param threads: Threads of one operator; 0 = one for each physical core that the process may use.
        The number is always passed on, because ONNX Runtime's own 0 also pins threads to cores.
    :param inter_op_threads: Threads for operators that run in parallel; 0 = as many as ``threads``; only with
        ``execution_mode="parallel"``.
    :param execution_mode: Run operators one after another, or independent ones in parallel.
    :param graph_optimization: Level of graph optimisation at load time.
    :param arena: Keep freed CPU memory for the next run.
    :param memory_pattern: Plan memory from the first run with the same shapes.
    :param io_binding: Bind inputs to the device before each run instead of passing arrays.
    :param provider_options: Options of the device's execution provider, under ONNX Runtime's names.
    :param session_options: Entries of ONNX Runtime's session configuration, under ONNX Runtime's names.
    :raises ValueError: A value is out of range.
    """

    device: str = "cpu"
    threads: int = 0
    inter_op_threads: int = 0
    execution_mode: Literal["sequential", "parallel"] = "sequential"
    graph_optimization: Literal["disabled", "basic", "extended", "layout", "all"] = "all"
    arena: bool = True
    memory_pattern: bool = True
    io_binding: bool = False
    provider_options: Mapping[str, Setting] = field(default_factory=dict)
    session_options: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_device(self.device)
        check_threads("threads", self.threads)
        check_threads("inter_op_threads", self.inter_op_threads)
        if self.inter_op_threads and self.execution_mode == "sequential":
            raise ValueError(
                f'inter_op_threads: found {self.inter_op_threads}; expected 0 unless execution_mode is "parallel"'
            )
        if self.provider_options and self.provider.lower() == "cpu":
            raise ValueError("provider_options: found options for the device cpu; expected none, since it has none")

    @property
    def provider(self) -> str:
        """The device without its index."""
        return self.device.partition(":")[0]

    @property
    def unit(self) -> str:
        """The device's index or type after the colon; empty if not given."""
        return self.device.partition(":")[2]


def words(settings: Mapping[str, Setting]) -> dict[str, str]:
    """Return settings as the strings that ONNX Runtime expects; booleans become 1 or 0."""
    return {key: str(int(value)) if isinstance(value, bool) else str(value) for key, value in settings.items()}


def _check_device(device: str) -> None:
    if not DEVICE.fullmatch(device):
        raise ValueError(f'device: found "{device}"; expected a name such as cpu, cuda:0 or openvino:GPU')
    if device.lower().startswith("cpu:"):
        cores = f"{setting('affinity')} selects its cores"
        raise ValueError(f'device: found "{device}"; expected cpu: there is only one, and {cores}')
