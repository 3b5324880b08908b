"""A session on a device with memory of its own: what follows a failed run, a lost device, and closing.

What a run does is the plugin's, behind ``DeviceCall``; what is the same for every vendor is ``DeviceSession``.

docs/how-to/write-an-engine-for-an-accelerator.md shows all of it in use.
"""

from __future__ import annotations

import abc
import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeVar

from lpbench.errors import EngineError
from lpbench.plugin.engine import Session
from lpbench.plugin.kit.device_tensors import explain
from lpbench.plugin.kit.resources import let_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench.plugin.kit.resources import Resources

CLOSED: Final = "the session is closed"
SPANS: Final = ("h2d", "compute", "d2h")
"""Names of a device's spans: copies to the device, computing, copies back."""


class DeviceCall(Protocol):
    """One inference on a device: bound tensors, and the vendor's calls that a run makes."""

    def __call__(self, feeds: Feeds, /) -> Outputs:
        """Run, and return when all work is complete."""

    def infos(self) -> tuple[Sequence[TensorInfo], Sequence[TensorInfo]]:
        """Return the inputs and the outputs."""

    def unbind(self) -> None:
        """Forget the arrays that were passed last, after one of them was refused."""

    def settle(self) -> bool:
        """Wait after a failure for what still runs, and forget all shapes; returns whether the device is lost."""


C = TypeVar("C", bound=DeviceCall)


class DeviceSession(Session, Generic[C]):
    """Runs a ``DeviceCall``; a failed run leaves a session that works, and a lost device closes it.

    :param path: The model's file, which errors name.
    :param call: Runs the model.
    :param resources: What is released when the session is closed.
    """

    raised: ClassVar[tuple[type[Exception], ...]] = ()
    """What the vendor's library raises, beside errors of the plugin."""
    lost: ClassVar[str] = ""
    """What to do where the device is lost."""

    def __init__(self, path: Path, call: C, resources: Resources) -> None:
        self.inputs, self.outputs = call.infos()
        self.path = path
        self._call: C | None = call
        self._resources = resources

    @abc.abstractmethod
    def in_words(self, error: Exception) -> EngineError:
        """Return the error for what the vendor's library raised."""

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference; outputs are views of memory that the next run overwrites.

        :raises EngineError: The feeds do not fit, the library fails, or the device is lost, which closes the session.
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
        with self.naming():
            self._resources.close()

    def opened(self) -> C:
        """Return the call.

        :raises EngineError: The session is closed.
        """
        if self._call is None:
            raise EngineError(CLOSED, where=str(self.path))
        return self._call

    def naming(self) -> contextlib.AbstractContextManager[None]:
        """Add the model's file to errors, and put into words what the vendor's library raises."""
        return naming(self.path, self.raised, self.in_words)

    def _explained(self, feeds: Feeds, error: Exception) -> EngineError:
        """Return the error for a run that failed, after making sure that the next one can succeed."""
        call = self.opened()
        let_go(error)
        if problem := explain(feeds, self.inputs, error):
            call.unbind()
            return EngineError(problem[0], where=str(self.path), hint=problem[1])
        told = error if isinstance(error, EngineError) else self.in_words(error)
        what, hint = told.what, told.hint
        if call.settle():
            with contextlib.suppress(EngineError):  # nothing can be released on a device that is lost
                self.close()
            what, hint = f"{what}; the device is lost and {CLOSED}", self.lost
        return EngineError(what, where=str(self.path), hint=hint)


@contextlib.contextmanager
def naming(
    path: Path, raised: tuple[type[Exception], ...], in_words: Callable[[Exception], EngineError]
) -> Iterator[None]:
    """Add a model's file to errors, and put into words what a vendor's library raises.

    :param raised: Its exceptions.
    :param in_words: Returns the error for one of them.
    """
    try:
        yield
    except EngineError as error:
        error.where = error.where or str(path)
        raise
    except raised as error:
        let_go(error)
        told = in_words(error)
        told.where = told.where or str(path)
        raise told from error


def spans(events: Sequence[Any], elapsed_ns: Callable[[Any, Any], int]) -> dict[str, int]:
    """Return the nanoseconds of each of ``SPANS`` in the last run, which is complete.

    :param events: The vendor's events before each span and after the last.
    :param elapsed_ns: Returns the time between two of them.
    """
    return {name: elapsed_ns(*events[at : at + 2]) for at, name in enumerate(SPANS)}
