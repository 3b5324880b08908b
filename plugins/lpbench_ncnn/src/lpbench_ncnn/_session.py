"""A model loaded by ncnn."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit import feed_checks as checks
from lpbench_ncnn import _calls, _net, _precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench_ncnn._calls import Call
    from lpbench_ncnn._devices import Device
    from lpbench_ncnn._param import Graph
    from lpbench_ncnn._shapes import Plan
    from lpbench_ncnn.config import NcnnConfig


@dataclasses.dataclass(frozen=True)
class Loaded:
    """The parts of an open model.

    :param net: ncnn's network.
    :param device: The Vulkan device, None on the CPU.
    """

    path: Path
    graph: Graph
    plan: Plan
    config: NcnnConfig
    threads: int
    device: Device | None
    net: Any


class NcnnSession(Session):
    """One network with the arrays of its inputs."""

    def __init__(self, loaded: Loaded) -> None:
        self.inputs: Sequence[TensorInfo] = loaded.plan.inputs
        self.outputs: Sequence[TensorInfo] = loaded.plan.outputs
        self._loaded = loaded
        self._stack = contextlib.ExitStack()
        self._precision: dict[str, Any] | None = None
        self._fast = _calls.make(loaded.net, loaded.plan)
        self._call: Call = self._first

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; the arrays returned belong to the caller."""
        try:
            return self._call(feeds)
        except EngineError:
            raise
        except Exception as error:
            raise self._explained(feeds, error) from error

    def close(self) -> None:
        """Free the network; outputs handed out stay valid."""
        self._call = self._fast = self._closed  # the other calls hold the network and its arrays
        self._stack.close()

    def keep(self, stack: contextlib.ExitStack) -> None:
        """Take over the clean-up to run when the session is closed."""
        self._stack = stack

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-ncnn.md for each key."""
        if self._call == self._closed:
            self._closed({})
        config, device, net = self._loaded.config, self._loaded.device, self._loaded.net
        facts = {
            "version": ncnn.__version__,
            "device": "cpu" if device is None else f"vulkan:{device.index}",
            "device_name": device.name if device else None,
            **self._layers(),
            "precision_asked": config.precision,
            **self._executed(),
            "threads": net.opt.num_threads,
            "options": _net.in_force(net),
            "powersave": config.powersave,
            "bytes_copied": {"inputs": _bytes(self.inputs), "outputs": self._bytes_out()},
        }
        return {key: value for key, value in facts.items() if value is not None}

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Refuse, since ncnn measures layers only in special builds.

        :raises EngineError: Always.
        """
        raise EngineError(
            f"ncnn {ncnn.__version__} does not support profiles: its packages are built without NCNN_BENCHMARK",
            where=str(self._loaded.path),
            hint="use engine onnxruntime or openvino for profiles",
        )

    def _first(self, feeds: Feeds) -> Outputs:
        """Run once and record the shapes that were not known before."""
        outputs = self._fast(feeds)
        self.outputs = tuple(dataclasses.replace(info, shape=outputs[info.name].shape) for info in self.outputs)
        self._call = self._fast
        return outputs

    def _executed(self) -> dict[str, Any]:
        """Return the precision; it is determined at the first call, so that loading is timed without it."""
        if self._precision is None:
            loaded = self._loaded
            self._precision = _precision.precision(loaded.graph, loaded.config, loaded.threads, loaded.device)
        return self._precision

    def _layers(self) -> dict[str, Any]:
        """Return the processor, and on Vulkan how many layers run there and which stay on the CPU."""
        device = self._loaded.device
        if device is None:
            return {"processor": "CPU"}
        layers = [layer for layer in self._loaded.net.layers() if layer.type != "Input"]
        stayed = sorted({layer.type for layer in layers if not layer.support_vulkan})
        count = sum(layer.support_vulkan for layer in layers)
        processor = device.processor if not stayed or device.processor == "CPU" else f"{device.processor}/CPU"
        return {
            "processor": processor,
            "nodes": {"Vulkan": count, "CPU": len(layers) - count},
            "layers_on_cpu": stayed,
        }

    def _bytes_out(self) -> int | None:
        """Return the bytes copied out of ncnn's pool, which detaches each output; None if not known yet."""
        known = self._loaded.plan.known
        complete = self._call is self._fast or all(info.name in known for info in self.outputs)
        return _bytes(self.outputs) if complete else None

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        problem = checks.problem(feeds, self.inputs)
        if problem is None and isinstance(error, _calls.FailedError):
            name, code = error.args
            problem = f'ncnn returned no output "{name}" (code {code})', "its messages are on standard error"
        what, hint = problem or (f"ncnn: {error}", "")
        return EngineError(what, where=str(self._loaded.path), hint=hint)

    def _closed(self, feeds: Feeds) -> Outputs:
        raise EngineError("the session is closed", where=str(self._loaded.path))


def _bytes(tensors: Sequence[TensorInfo]) -> int:
    return sum(
        np.dtype(info.dtype).itemsize * math.prod(size for size in info.shape if isinstance(size, int))
        for info in tensors
    )
