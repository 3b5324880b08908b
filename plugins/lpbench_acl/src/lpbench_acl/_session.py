"""A model in a context of its own, ready to run."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError, Session
from lpbench.plugin.kit.device_tensors import explain
from lpbench.plugin.kit.resources import let_go
from lpbench_acl import _cann

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs
    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._lane import Lane
    from lpbench_acl._model import LoadedModel
    from lpbench_acl._run import Call

CLOSED = "the session is closed"
LOST = "npu-smi info tells the NPU's state; open the model again, in a new process or after a reset of the NPU"
UNKNOWN = "AscendCL does not tell in which precision a converted model computes; ATC's default is F16"
RAISED = (AttributeError, OverflowError, RuntimeError, SystemError, TypeError, ValueError)
"""What pyACL, a C extension, raises for arguments that it does not take."""


class AclSession(Session):
    """One model on one stream.

    :param resources: What is released when the session is closed.
    """

    def __init__(self, lane: Lane, model: LoadedModel, call: Call, resources: Resources) -> None:
        self.inputs, self.outputs = call.infos()
        self._path, self._model = model.path, model
        self._lane = lane
        self._call: Call | None = call
        self._resources = resources

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; outputs are views of memory that the next run overwrites.

        :raises EngineError: The feeds do not fit, AscendCL fails, or the device is lost, which closes the session.
        """
        try:
            return self._call(feeds)  # type: ignore[misc] # None once closed, handled below
        except Exception as error:
            raise self._explained(feeds, error) from error
        except BaseException:  # interrupted: what is queued still reads memory that the next run fills
            if self._call:
                self._call.settle()
            raise

    def close(self) -> None:
        """Release everything that the session holds.

        :raises EngineError: Something could not be released; the rest was.
        """
        self._call = None
        with naming(self._path):
            self._resources.close()

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session; see docs/reference/engine-acl.md for each key."""
        call, lane = self._opened(), self._lane
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
        call = self._opened()
        with naming(self._path):
            self._lane.select()
            return self._model.memory.held(call.buffers())

    def device_spans(self) -> Mapping[str, int] | None:
        """Return the nanoseconds of copies to the device, computing and copies back.

        They are known with ``profile=True``, unless ``asynchronous`` is false.
        """
        call = self._opened()
        with naming(self._path):
            return call.spans()

    def profile(self) -> Sequence[Mapping[str, Any]]:
        """Return one record for each operator that ran, averaged over the runs until now: later ones do not count."""
        call = self._opened()
        with naming(self._path):
            return call.operators()

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        """Return the error for a run that failed, after making sure that the next one can succeed."""
        call = self._opened()
        let_go(error)
        if problem := explain(feeds, self.inputs, error):
            call.unbind()
            return EngineError(problem[0], where=str(self._path), hint=problem[1])
        told = put_into_words(error)
        what, hint = told.what, told.hint
        if call.settle():
            with contextlib.suppress(EngineError):  # nothing can be released on a device that is lost
                self.close()
            what, hint = f"{what}; the device is lost and {CLOSED}", LOST
        return EngineError(what, where=str(self._path), hint=hint)

    def _opened(self) -> Call:
        if self._call is None:
            raise EngineError(CLOSED, where=str(self._path))
        return self._call


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the model's file to errors, and put into words what pyACL raises."""
    try:
        yield
    except EngineError as error:
        error.where = error.where or str(path)
        raise
    except RAISED as error:
        raise EngineError(put_into_words(error).what, where=str(path)) from error


def put_into_words(error: Exception) -> EngineError:
    """Return an error of this plugin as it is, and one of pyACL's in words."""
    if isinstance(error, EngineError):
        return error
    return EngineError(f"pyACL raised {type(error).__name__}: {error}")
