"""A model in a context of its own, ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.device_session import DeviceSession
from lpbench_acl import _cann
from lpbench_acl._run import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._lane import Lane
    from lpbench_acl._model import LoadedModel

UNKNOWN = "AscendCL does not tell in which precision a converted model computes; ATC's default is F16"
RAISED = (AttributeError, OverflowError, RuntimeError, SystemError, TypeError, ValueError)
"""What pyACL, a C extension, raises for arguments that it does not take."""


class AclSession(DeviceSession[Call]):
    """One model on one stream.

    :param resources: What is released when the session is closed.
    """

    raised = RAISED
    lost = "npu-smi info tells the NPU's state; open the model again, in a new process or after a reset of the NPU"

    def __init__(self, lane: Lane, model: LoadedModel, call: Call, resources: Resources) -> None:
        super().__init__(model.path, call, resources)
        self._lane, self._model = lane, model

    def in_words(self, error: Exception) -> EngineError:
        """Return the error for what pyACL raised."""
        return in_words(error)

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-acl.md for each key."""
        call, lane = self.opened(), self._lane
        gears = call.gears()
        facts = {
            "version": _cann.version(),
            "device": lane.config.unit,
            "processor": "NPU",
            "soc": lane.soc,
            "run_mode": "device" if lane.shared else "host",
            "asynchronous": lane.config.asynchronous,
            "gears": gears.facts() if gears else "",
            "precision_reason": UNKNOWN,
            "bytes_copied": call.bytes_copied(),
            "model_bytes": self._model.size,
        }
        return {key: value for key, value in facts.items() if value != ""}

    def memory(self) -> Mapping[str, int] | None:
        """Return the device memory of weights, activations and the tensors that are passed, in bytes."""
        call = self.opened()
        with self.naming():
            self._lane.select()
            return self._model.memory.held(call.buffers())

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the nanoseconds of copies to the device, computing and copies back.

        They are known with ``profile=True``, unless ``asynchronous`` is false.
        """
        call = self.opened()
        with self.naming():
            return call.spans()

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each operator that ran, averaged over the runs until now: later ones do not count."""
        call = self.opened()
        with self.naming():
            return call.operators()


def in_words(error: Exception) -> EngineError:
    """Return the error for what pyACL raised."""
    return EngineError(f"pyACL raised {type(error).__name__}: {error}")
