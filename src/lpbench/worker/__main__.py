"""The process in which engines run: the module ``lpbench.worker``, which ``lpbench.util.launcher`` starts.

It speaks the frames of ``lpbench.worker.protocol`` on its standard streams, so that a
pipe, ``ssh`` or a socket can carry them.  Vendors print to standard output and
crash; the first is moved out of the way before anything is imported, the second
ends this process only.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from lpbench import errors
from lpbench.errors import LpbenchError, WorkerError, setting
from lpbench.util.portable import allowed_cores, binds_to_cores
from lpbench.util.process_state import executed
from lpbench.util.text import words_of
from lpbench.worker.protocol import VERSION, Channel, ClosedError, Message, SilenceError
from lpbench.worker.streams import take_streams

if TYPE_CHECKING:
    from lpbench.worker.runner import Runner

LONGEST = 20_000
"""Characters of an error's text, and of its trace, that the parent is told."""


def main() -> int:
    """Serve one parent until it closes the stream."""
    channel = take_streams()
    # Ctrl-C reaches the whole terminal: the parent alone decides what is kept.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A crash in native code says where on standard error, of which the parent keeps the last lines.
    faulthandler.enable()
    try:
        _greet(channel)
        serve(channel)
    except ClosedError:
        sys.stderr.flush()
        os._exit(0)  # sessions are closed; tearing down the interpreter and the vendors' libraries only takes time
    return 0


def serve(channel: Channel) -> None:
    """Answer requests until the parent closes the stream."""
    from lpbench.worker.runner import Runner  # after the greeting, which may set variables that imports read

    runner = Runner()
    while True:
        message, _ = channel.receive()
        try:
            channel.send(*_answer(channel, runner, message))
        except (ClosedError, SilenceError):
            raise
        except LpbenchError as error:  # the answer makes no frame: the parent is told instead
            channel.send({"error": describe_error(error)})


def _answer(channel: Channel, runner: Runner, message: Message) -> tuple[Message, bytes]:
    from lpbench.worker import wire

    try:
        request = wire.decode_request(message)
        with _reported(channel) if request.reports else contextlib.nullcontext():
            answer = runner.handle(request)
        return wire.encode_answer(answer)
    except Exception as error:  # noqa: BLE001 - an engine may raise anything, and the parent must hear of it
        return {"error": describe_error(error)}, b""


def _reported(channel: Channel) -> contextlib.AbstractContextManager[None]:
    """Send the parent what plugins report meanwhile."""
    from lpbench.plugin import progress
    from lpbench.worker import wire

    return progress.listening(lambda activity: channel.send(wire.encode_activity(activity)))


def describe_error(error: BaseException) -> Message:
    """Return an error as a record: kind, what, where, hint and the traceback's text."""
    import traceback

    kind = _known_kind(error)
    record = {"kind": kind, "what": words_of(error, LONGEST) or kind, "where": "", "hint": "", "trace": ""}
    if isinstance(error, LpbenchError):
        record |= {name: words_of(getattr(error, name), LONGEST) for name in ("what", "where", "hint")}
    with contextlib.suppress(Exception):  # the text of an error is made by its own class
        record["trace"] = "".join(traceback.format_exception(type(error), error, error.__traceback__))[-LONGEST:]
    return record


def _known_kind(error: BaseException) -> str:
    """Return the name of an error's class; of a plugin's own class, that of lpbench's from which it derives."""
    known = (kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
    return next(known, type(error)).__name__


def _greet(channel: Channel) -> None:
    """Exchange versions and take over the variables, cores and priority that the parent wants."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    here = {"python": sys.version.split()[0], "machine": machine, **executed()}
    channel.send({"hello": VERSION, "pid": os.getpid(), **here})
    message, _ = channel.receive()
    if message.get("hello") != VERSION:
        told = describe_error(WorkerError(f"the parent speaks protocol {message.get('hello')}, this worker {VERSION}"))
        channel.send({"error": told})
        raise ClosedError("nothing can be asked in another version")
    # Before any import: BLAS and OpenMP read their variables once, when they are loaded.
    os.environ.update({str(key): str(value) for key, value in message.get("environment", {}).items()})
    problem = _settle(message.get("affinity"), message.get("priority"))
    channel.send({"error": problem} if problem else {"done": {"affinity": allowed_cores()}})


def _settle(cores: list[int] | None, priority: int | None) -> Any:
    if lacking := _lacking(cores, priority):
        return describe_error(LpbenchError(lacking[0], hint=lacking[1]))
    there = ", ".join(map(str, allowed_cores()))
    try:
        # Before any thread is started: threads inherit the cores of the one that starts them.
        if cores:
            _bind(cores)
        if priority is not None:
            os.setpriority(os.PRIO_PROCESS, 0, priority)
            _group_priority(priority)
    except OSError as error:
        asked = f"cores {cores}" if cores and not isinstance(error, PermissionError) else f"priority {priority}"
        return describe_error(LpbenchError(f"cannot run with {asked}: {error.strerror}", hint=f"cores here: {there}"))
    return None


def _bind(cores: list[int]) -> None:
    """Bind this process to cores.

    :raises OSError: One of them does not exist; the system leaves it out and says nothing while another one does.
    """
    os.sched_setaffinity(0, cores)
    if set(cores) - set(allowed_cores()):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _lacking(cores: list[int] | None, priority: int | None) -> tuple[str, str] | None:
    """Return which setting this system cannot carry out, and the remedy; None if it can."""
    if cores and not binds_to_cores():
        return (
            f"cannot run with cores {cores}: this system does not bind processes to cores",
            f"leave {setting('affinity')} out",
        )
    if priority is not None and not hasattr(os, "setpriority"):
        return (
            f"cannot run with priority {priority}: this system has no setpriority",
            f"leave {setting('priority')} out",
        )
    return None


def _group_priority(priority: int) -> None:
    """Set the niceness of this session too: with autogroups (sched(7)) Linux weighs sessions against each other."""
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(str(priority))


if __name__ == "__main__":
    sys.exit(main())
