"""What monitors read and tell: boards with damaged files and answers, and damaged reports of a sampler."""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import ROOT, Kind

from lpbench.jobs.measuring.resources.choosing import choose
from lpbench.jobs.measuring.resources.collector import BUSY, Collector
from lpbench.plugin import registry
from lpbench.plugin.monitor import METRICS, MonitorTarget
from lpbench.plugin.monitors import build_monitor
from lpbench.testing import mutations
from lpbench.util import dataclass_config
from lpbench.util.recordings import Recording
from lpbench.worker.sampler.messages import Report, encode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

    from lpbench.plugin.monitor import Readings

BOARDS = ROOT / "plugins" / "lpbench_monitors" / "tests" / "boards"
READING = {
    "value": 41.5,
    "unit": "°C",
    "scope": "package",
    "source": "/sys/class/thermal",
    "cumulative": False,
    "at": None,
}
REPORT = {
    "done": "",
    "monitor": "thermal",
    "at": 1.5,
    "readings": {
        "CPU_TEMP": READING,
        "CPU_TEMP/core 0": [READING, {**READING, "at": 1.2}],
        "ENERGY": {**READING, "unit": "J", "cumulative": True},
        "GPU_TEMP": {"reason": "no sensor", "code": "not-here", "hint": "none"},
    },
    "survey": False,
    "failure": "",
    "calling": "rapl",
    "step": "sample",
}


class Reports(Kind):
    """What a sampler sends: JSON of the right kind and of others."""

    name: ClassVar[str] = "sampler-reports"

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged report."""
        (folder / "report.json").write_bytes(documents.damaged(json.dumps(REPORT), random))

    def read(self, folder: Path) -> Iterable[str]:
        """Take it in as the parent does, and make resources of it."""
        try:
            message = json.loads((folder / "report.json").read_bytes())
        except (ValueError, RecursionError):  # of the kind frames
            return
        if not isinstance(message, dict):
            return
        report: Report = dataclass_config.build(Report, message, where="report")
        yield from told([report])


class Boards(Kind):
    """Recorded boards of which one file or answer is damaged."""

    name: ClassVar[str] = "boards"
    needs: ClassVar[tuple[str, ...]] = ("lpbench_monitors",)

    def write(self, random: Random, folder: Path) -> None:
        """Write a board."""
        boards = sorted(path for path in BOARDS.iterdir() if (path / "recording.json").is_file())
        board = folder / "board"
        shutil.copytree(random.choice(boards), board)
        files = sorted(path for path in board.rglob("*") if path.is_file() and path.suffix != ".md")
        other = random.choice(files).read_bytes()
        for path in random.sample(files, min(len(files), random.choice((1, 1, 3)))):
            if random.random() < 0.1:
                path.unlink()
            else:
                path.write_bytes(mutations.mutated(path.read_bytes(), random, [other]))

    def read(self, folder: Path) -> Iterable[str]:
        """Ask every monitor at both moments; none may raise."""
        recording = Recording(folder / "board")
        target = MonitorTarget(None, recording.files, recording.commands, 0.1, recording.clock)
        specs = [offer.spec for offer in registry.current().all(registry.MONITORS).values() if offer.availability()]
        opened = {spec.name: build_monitor(spec, target, {}).__enter__() for spec in specs}
        reports = [_report(name, 0.0, monitor.sample()) for name, monitor in opened.items()]
        recording.advance()
        reports += [_report(name, recording.clock(), monitor.sample()) for name, monitor in opened.items()]
        for monitor in opened.values():
            monitor.__exit__(None, None, None)
        yield from told(reports)


def _report(name: str, at: float, readings: Readings) -> Report:
    return Report(monitor=name, at=at, readings=encode(readings))


def told(reports: Iterable[Report]) -> Iterable[str]:
    """Collect reports as a resource pass does; yield what a terminal would show of them."""
    collector = Collector()
    collector.begin(BUSY, 0.0)
    for report in reports:
        collector.take(report)
    collector.end(10.0)
    for each in choose(collector.resources(), {}, "CPU"):
        allowed = METRICS.get(each.metric)
        for value in (each.mean, each.minimum, each.maximum):
            assert value is None or math.isfinite(value), f"{each.name} is {value}"
            if value is not None and allowed is not None and each.growth is None:
                assert allowed.least - 1e-6 <= value <= allowed.most + 1e-6, f"{each.name} is {value} {each.unit}"
        yield f"{each.name} {each.unit} {each.source} {each.reason} {each.hint}"


KINDS: tuple[Any, ...] = (Reports, Boards)
