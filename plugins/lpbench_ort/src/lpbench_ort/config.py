"""The engine's options; building them imports nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - lpbench.util.dataclass_config.build reads the annotations
from dataclasses import dataclass, field
from typing import Literal

Setting = str | int | float | bool

DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9]*(:[A-Za-z0-9_.]+)?")


@dataclass(frozen=True)
class OrtConfig:
    """How ONNX Runtime is to run a model.

    :param device: Execution provider by its short name, with a number where there are several: ``cpu``,
        ``cuda:0``, ``tensorrt:0``, ``openvino``, ``openvino:GPU``.
    :param threads: Threads of one operator; 0 = one for each physical core that the process may use.
        The number is always handed over: ONNX Runtime's own 0 also pins its threads to cores.
    :param inter_op_threads: Threads for operators side by side; 0 = as many as ``threads``; only with
        ``execution_mode="parallel"``.
    :param execution_mode: One operator after the other, or independent ones in parallel.
    :param graph_optimization: How far the graph is rewritten when it is loaded.
    :param arena: Keep freed CPU memory for the next run.
    :param memory_pattern: Plan the memory of a run from the first one with the same shapes.
    :param io_binding: Bind inputs to the device before each run instead of handing arrays over.
    :param provider_options: Options of the device's execution provider, by ONNX Runtime's names.
    :param session_options: Entries of ONNX Runtime's session configuration, by ONNX Runtime's names.
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
        _check_threads("threads", self.threads)
        _check_threads("inter_op_threads", self.inter_op_threads)
        if self.inter_op_threads and self.execution_mode == "sequential":
            raise ValueError('inter_op_threads: found a number; expected 0 unless execution_mode is "parallel"')
        if self.provider_options and self.provider.lower() == "cpu":
            raise ValueError("provider_options: found options for the device cpu, which takes none")

    @property
    def provider(self) -> str:
        """The device without its number."""
        return self.device.partition(":")[0]

    @property
    def unit(self) -> str:
        """The device's number or type after the colon, empty if there is none."""
        return self.device.partition(":")[2]


def words(settings: Mapping[str, Setting]) -> dict[str, str]:
    """Return settings as the words that ONNX Runtime reads; truth is 1 or 0."""
    return {key: str(int(value)) if isinstance(value, bool) else str(value) for key, value in settings.items()}


def _check_device(device: str) -> None:
    if not DEVICE.fullmatch(device):
        raise ValueError(f'device: found "{device}"; expected a name such as cpu, cuda:0 or openvino:GPU')
    if device.lower().startswith("cpu:"):
        raise ValueError(
            f'device: found "{device}"; expected cpu: there is one, and --affinity says which of its cores'
        )


def _check_threads(name: str, threads: int) -> None:
    if threads < 0:
        raise ValueError(f"{name}: found {threads}; expected 0 or more")
