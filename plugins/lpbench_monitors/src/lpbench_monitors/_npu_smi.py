"""Ascend NPUs through npu-smi (hiascend.com, "npu-smi Command Reference"; ``_npu_smi_text`` describes what it prints).

Three ways, the next one where one gives nothing: ``npu-smi info watch``, one process for each chip that prints a row a
second; ``npu-smi info -t usages|power|common`` for each sample; the table of ``npu-smi info``, as in containers.
NPU_MEM is in MB as npu-smi tells them; watch tells a share in whole %, of the capacity in the table.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from lpbench.plugin.monitor import Monitor, Unavailable
from lpbench_monitors._npu_smi_readings import Status, boards, readings
from lpbench_monitors._npu_smi_text import COLUMNS, Chip, blocks, table, titles, watched
from lpbench_monitors._patience import patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from lpbench.plugin.monitor import Commands, MonitorTarget, Readings, Stream

TABLE = ("npu-smi", "info")
METRICS = ("NPU_LOAD", "NPU_MEM", "NPU_TEMP", "POWER_CONSUMPTION")
ANSWER_S = 3.0
"""Seconds that one command may take."""
ASKING_S = 6.0
"""Seconds after which no further command is begun for a sample."""
STALE_S = 5.0
"""Seconds after which watch, which prints a row each second, counts as silent."""
WATCHED, ASKED = 16, 2
"""Chips that are watched, and NPUs that are asked one by one, at most: beyond that one table costs less."""
DRIVER_HINT = "load the Ascend driver (/dev/davinci_manager), and run as HwHiAiUser or root"


class NpuSmiMonitor(Monitor):
    """Reads load, memory, temperature and power of all NPUs."""

    def __init__(self, target: MonitorTarget, config: object = None) -> None:
        super().__init__(patient(target), config)
        self._known: tuple[Chip, ...] = ()
        self._watch: _Watch | None = None
        self._asks = self._fills = True

    def __enter__(self) -> Self:
        """Look for NPUs, and begin to watch them."""
        self._asks = self._fills = True
        found = self._table()
        self._known = () if isinstance(found, Unavailable) else found.chips
        if self._known and len(self._known) <= WATCHED and all(chip.capacity for chip in self._known):
            self._watch = _Watch(self.target.commands, self._known, self.target.clock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End watching."""
        if self._watch:
            self._watch.close()
        self._watch = None

    def sample(self) -> Readings:
        """Return the newest values of all chips; watch's may be a second old and say when they were taken."""
        found = self._watched() or self._asked() or self._table()
        if self._watch and isinstance(found, Status) and self._watch.told(found.at):
            return {}
        return dict.fromkeys(METRICS, found) if isinstance(found, Unavailable) else readings(found)

    def survey(self) -> Readings:
        """Return what the boards around the NPUs draw, which watch does not tell."""
        found: dict[int, float] = {}
        begun = self.target.clock()
        for npu in sorted({chip.npu for chip in self._known}):
            if self.target.clock() - begun < ASKING_S:
                found |= _board(npu, self._ask("power", npu))
        return boards(Status((), "npu-smi info -t power", self.target.clock(), found))

    def _watched(self) -> Status | None:
        status = self._watch.status() if self._watch else None
        if self._watch and status is None:
            self._watch.close()
            self._watch = None
        return status

    def _asked(self) -> Status | None:
        """Return what ``-t`` tells of each NPU; None where it does not tell the load, and from then on."""
        npus = sorted({chip.npu for chip in self._known})
        if not self._asks or not 0 < len(npus) <= ASKED:
            return None
        status = self._each(npus)
        self._asks = any(chip.load is not None for chip in status.chips)
        return self._complete(status) if self._asks else None

    def _each(self, npus: list[int]) -> Status:
        chips: list[Chip] = []
        mcus: dict[int, float] = {}
        begun = self.target.clock()
        for npu in npus:
            empty = {chip.chip: Chip(npu, chip.chip) for chip in self._known if chip.npu == npu}
            for kind in ("usages", "power", "common"):
                if self.target.clock() - begun < ASKING_S:
                    text = self._ask(kind, npu)
                    empty = {n: _with(chip, text) for n, chip in empty.items()}
                    mcus |= _board(npu, text)
            chips += empty.values()
        return Status(tuple(chips), "npu-smi info -t", self.target.clock(), mcus)

    def _ask(self, kind: str, npu: int) -> str:
        """Return what ``-t`` says of an NPU, or nothing; versions differ in whether they want the chip's number."""
        words = (*TABLE, "-t", kind, "-i", str(npu))
        one = sum(chip.npu == npu for chip in self._known) == 1 and kind == "usages"
        for ending in (("-c", "0"), ()) if one else ((),):
            answer = self.target.commands.run(*words, *ending, timeout=ANSWER_S)
            if not isinstance(answer, Unavailable):
                return answer
        return ""

    def _complete(self, status: Status) -> Status:
        """Return a status with what only the table tells; it is asked no more where it does not tell either."""
        if not self._fills or all(_whole(chip) for chip in status.chips):
            return status
        found = self._table()
        known = {} if isinstance(found, Unavailable) else {(chip.npu, chip.chip): chip for chip in found.chips}
        chips = tuple(chip.filled(known.get((chip.npu, chip.chip), chip)) for chip in status.chips)
        self._fills = chips != status.chips
        return dataclasses.replace(status, chips=chips)

    def _table(self) -> Status | Unavailable:
        """Return what the table tells, or why there is none; NPUs that it names are looked at from then on."""
        text = self.target.commands.run(*TABLE, timeout=ANSWER_S)
        if isinstance(text, Unavailable):
            return _explained(text)
        chips = table(text)
        if not chips:
            return _explained(Unavailable(f"npu-smi info lists no NPU{_last(text)}", "not-read"))
        self._known = chips
        return Status(chips, "npu-smi info", self.target.clock())


class _Watch:
    """``npu-smi info watch`` of each chip.

    :param chips: As the table told them, which counts until a first row comes.
    """

    def __init__(self, commands: Commands, chips: tuple[Chip, ...], clock: Callable[[], float]) -> None:
        self._chips, self._clock = chips, clock
        self._at = [clock()] * len(chips)
        self._told: float | None = None
        self._columns: list[tuple[str, ...]] = [COLUMNS] * len(chips)
        self._streams: list[Stream] = []
        for chip in chips:
            words = ("watch", "-i", str(chip.npu), "-c", str(chip.chip), "-d", "1", "-s", "ptaicmb")
            stream = commands.follow(*TABLE, *words)
            if isinstance(stream, Unavailable):
                break
            self._streams.append(stream)

    def status(self) -> Status | None:
        """Return the newest row of each chip, or None if one of them is not watched, or not any more."""
        if len(self._streams) < len(self._chips):
            return None
        for index, stream in enumerate(self._streams):
            fresh = self._read(index, stream.lines())
            if not fresh and (stream.ended() or self._clock() - self._at[index] > STALE_S):
                return None
        return Status(self._chips, "npu-smi info watch", min(self._at))

    def told(self, at: float) -> bool:
        """Return whether the status of a moment was told before: rows that are read twice are no new readings."""
        told, self._told = at == self._told, at
        return told

    def _read(self, index: int, lines: list[str]) -> bool:
        """Take the rows of a chip, and return whether there was one."""
        known, found = self._chips[index], None
        for line in lines:
            self._columns[index] = titles(line) or self._columns[index]
            found = watched(line, self._columns[index], known) or found
        if found:
            self._chips = (*self._chips[:index], found, *self._chips[index + 1 :])
            self._at[index] = self._clock()
        return found is not None

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._streams = []


def _board(npu: int, text: str) -> dict[int, float]:
    board = blocks(text, npu).board
    return {} if board is None else {npu: board}


def _with(chip: Chip, text: str) -> Chip:
    found = next((other for other in blocks(text, chip.npu).chips if other.chip == chip.chip), chip)
    return chip.filled(found)


def _whole(chip: Chip) -> bool:
    """Return whether a chip has a value of each metric."""
    return None not in {chip.load, chip.memory, chip.temperature} and (chip.rated or chip.power is not None)


def _explained(why: Unavailable) -> Unavailable:
    """Return a reason with a hint for the errors of the driver's interface, such as ``ret is -8005``."""
    if why.code == "not-installed":
        return dataclasses.replace(why, hint="npu-smi is part of the Ascend driver")
    refused = re.search(r"ret is -8002|permission|not permitted", why.reason, re.IGNORECASE)
    broken = re.search(r"dcmi|initiali[sz]e failed|ret is -\d+", why.reason, re.IGNORECASE)
    code = "no-permission" if refused else "failed" if broken else why.code
    return dataclasses.replace(why, code=code, hint=DRIVER_HINT if refused or broken else why.hint)


def _last(text: str) -> str:
    """Return an answer's last line for a reason, unless it is a table's."""
    line = next((line.strip() for line in reversed(text.splitlines()[-20:]) if line.strip(" \t+-=|")), "")
    shown = "".join(each if each.isprintable() else " " for each in line[:120])
    return "" if not line or line.startswith("|") else f": {shown}"
