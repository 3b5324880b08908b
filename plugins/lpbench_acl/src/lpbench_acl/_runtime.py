"""AscendCL in this process: started once, and the NPUs in use, which all sessions share."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_acl._calls import AclError, calls
from lpbench_acl._codes import DEVICE_MODE, LISTED, REPEATED_START

if TYPE_CHECKING:
    from lpbench_acl._calls import Calls


class Runtime:
    """AscendCL's runtime, started for this process; it ends with Python, unless someone else started it.

    :param calls: pyACL's calls.
    :raises AclError: It does not start.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._lock = threading.RLock()  # memory is freed by Python's collector, at any place of the same thread
        self._users: Counter[int] = Counter()
        try:
            calls.call("init")
        except AclError as error:
            if error.code != REPEATED_START:
                raise
        else:
            weakref.finalize(self, _end, calls)  # at the end of Python after those of memory, which are made later

    def count(self) -> int:
        """Return the number of NPUs."""
        return self.calls.number("rt.get_device_count")

    def open_device(self, index: int) -> None:
        """Open an NPU for this process; ``leave`` it as often.

        :raises EngineError: There is none of this number, or it cannot be opened.
        """
        count = self.count()
        if index >= count:
            here = ", ".join(f"npu:{number}" for number in range(count))
            raise EngineError(f"there is no device npu:{index}", hint=f"here: {here}" if here else LISTED)
        self.use(index)

    def use(self, index: int) -> None:
        """Count one user more of an NPU; the first one opens it.

        AscendCL counts too, but not in all versions.

        :raises AclError: It cannot be opened.
        """
        with self._lock:
            if not self._users[index]:
                self.calls.call("rt.set_device", index)
            self._users[index] += 1

    def leave(self, index: int) -> None:
        """Count one user less of an NPU; the last one closes it.

        :raises AclError: It cannot be closed.
        """
        with self._lock:
            self._users[index] -= 1
            if not self._users[index]:
                self.calls.call("rt.reset_device", index)

    def soc(self) -> str:
        """Return the name of the NPU's kind: ``Ascend310P3``; empty if AscendCL does not tell."""
        told = self.calls.call("get_soc_name")
        return told if isinstance(told, str) else ""

    def shares_memory(self) -> bool:
        """Return whether this program runs on the NPU's own processor, which has one memory with it."""
        return self.calls.number("rt.get_run_mode") == DEVICE_MODE


_starting = threading.Lock()


def runtime() -> Runtime:
    """Return AscendCL's runtime, which starts at the first call, once however many threads call.

    :raises EngineError: pyACL is not usable here, or AscendCL does not start.
    """
    with _starting:
        return _started()


@functools.cache
def _started() -> Runtime:
    return Runtime(calls())


def _end(calls: Calls) -> None:
    with contextlib.suppress(EngineError):  # nobody is left who could be told
        calls.call("finalize")
