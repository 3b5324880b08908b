"""Context switches of all threads of a process, which the kernel counts by thread (/proc/PID/task/TID/status)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench_monitors._proc import switches

if TYPE_CHECKING:
    from lpbench.plugin.monitor import FileTree

AT_ONCE = 8
"""Threads that one sample reads, each some 20 µs; more threads take turns."""
LIST_EVERY = 10
"""Samples after which threads are looked for although their number is the same: one may have replaced another."""


class ThreadSwitches:
    """Voluntary and involuntary context switches of a process's threads.

    What a thread did after it was last read and before it ended is not known and not in the totals.

    :param files: The machine's files.
    :param pid: The process.
    """

    def __init__(self, files: FileTree, pid: int) -> None:
        self._files, self._folder = files, f"proc/{pid}/task"
        self._main = f"{self._folder}/{pid}"
        self._seen: dict[str, tuple[int, int]] = {}
        self._totals = (0, 0)
        self._threads, self._age, self._next = 0, 0, 0

    def sample(self, threads: int, main: str | None) -> tuple[int, int] | None:
        """Return the totals after reading some threads; None if none could be read.

        :param threads: Number of threads now.
        :param main: Content of the status file of the process, which is that of its first thread.
        """
        self._add(self._main, main)
        if threads > 1:
            self._read_some(threads)
        return self._totals if self._seen else None

    def read_all(self) -> None:
        """Read every thread."""
        self._list(self._threads)
        for thread in list(self._seen):
            self._read(thread)

    def _read_some(self, threads: int) -> None:
        self._age += 1
        if threads != self._threads or self._age >= LIST_EVERY:
            first = not self._threads
            self._list(threads)
            if first:  # else their past would look like growth when their turn comes
                self.read_all()
        names = list(self._seen)
        for index in range(min(AT_ONCE, len(names))):
            self._read(names[(self._next + index) % len(names)])
        self._next = (self._next + AT_ONCE) % max(1, len(names))

    def _list(self, threads: int) -> None:
        names = self._files.names(self._folder)
        self._seen = {name: self._seen.get(name, (0, 0)) for name in names}
        self._threads, self._age = threads, 0

    def _read(self, thread: str) -> None:
        self._add(thread, self._files.text(f"{thread}/status"))

    def _add(self, thread: str, status: str | None) -> None:
        if (counts := switches(status)) is None:
            return
        before = self._seen.get(thread, (0, 0))
        more = [max(0, now - then) for now, then in zip(counts, before, strict=True)]
        self._totals = (self._totals[0] + more[0], self._totals[1] + more[1])
        self._seen[thread] = counts
