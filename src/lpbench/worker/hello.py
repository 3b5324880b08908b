"""The first thing that a worker says: whether it may be asked anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lpbench.about import version
from lpbench.errors import WorkerError
from lpbench.util.process_state import executed
from lpbench.worker.protocol import VERSION, Message, ProtocolError

if TYPE_CHECKING:
    from lpbench.util.interpreters import Interpreter


def introduced(hello: Message, interpreter: Interpreter | None) -> int:
    """Return the process id of a worker that may be asked.

    :raises ProtocolError: It states none.
    :raises WorkerError: It is of another protocol, or is no native program of this machine.
    """
    where = interpreter.python if interpreter else ""
    if hello.get("hello") != VERSION:
        what = f"the worker speaks protocol {hello.get('hello')!r:.20}, this lpbench {VERSION}"
        hint = f"install lpbench {version()} there too: {where} -m pip install lpbench=={version()}"
        raise WorkerError(
            what, where=where, hint=hint if where else "install the same version of lpbench on both sides"
        )
    pid = _pid(hello)
    if interpreter and (foreign := _foreign(hello, pid)):
        hint = "name an environment whose Python is made for this machine"
        raise WorkerError(f"{foreign}: it would be measured as slower than it is", where=where, hint=hint)
    return pid


def _foreign(hello: Message, pid: int) -> str:
    """Return why a worker does not run natively here; empty if it does, or nothing tells."""
    stated, own = hello.get("machine"), os.uname().machine
    if stated != own:
        return f"its Python is made for {stated!r:.40} and this machine is {own}"
    # an emulator tells the program in it that the kernel executes that program
    told, seen = hello.get("executable"), executed(pid).get("executable")
    return f"its Python runs in an emulator, {seen}" if told and seen and told != seen else ""


def _pid(hello: Message) -> int:
    """Return the process id that a worker states, to which signals will be sent.

    :raises ProtocolError: It is none.
    """
    pid = hello.get("pid")
    if not isinstance(pid, int) or pid <= 1:
        raise ProtocolError(f"the worker says that its process is {pid!r:.80}")
    return pid
