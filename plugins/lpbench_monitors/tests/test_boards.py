"""All monitors on all boards: tested on recordings as text, whose expected values were written from the documentation.

Each board is also read with its commands cut off, failing and hanging, and with its sensors unplugged between the two
moments: nothing raises then, and each metric has its value or a reason.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.jobs.measuring.resources.choosing import choose_of
from lpbench.jobs.measuring.resources.installed_monitors import installed_monitors
from lpbench.jobs.measuring.resources.latest import LatestReadings
from lpbench.plugin.monitor import METRICS, Commands, Stream, Unavailable
from lpbench.worker.sampler.messages import Assignment
from lpbench.worker.sampler.monitor_runner import MonitorRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lpbench.results.resources import Resource
    from lpbench.worker.sampler.messages import Report

BOARDS = Path(__file__).parent / "boards"
NAMES = sorted(path.name for path in BOARDS.iterdir())
OF_ONE_MONITOR = {
    "POWER_CONSUMPTION/package": ("POWER_CONSUMPTION", "rapl"),
    "POWER_CONSUMPTION/gpu": ("POWER_CONSUMPTION", "nvidia-smi"),
}
"""Keys of expected.json where two monitors tell a power, neither of which is that of the machine."""
SANE = {
    "°C": (0, 130),
    "%": (0, 100),
    "W": (0, 2_000),
    "MHz": (1, 6_000),
    "MB/s": (0, 2e6),
    "MB": (0, 4e6),
    "1": (0, 1),
}
"""What a board of these can say."""


@dataclass
class Told:
    """What the monitors of a board told.

    :param failures: Of monitors, which were left out.
    """

    found: dict[str, list[Resource]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def _ask(board: Path, commands: Commands | None = None, between: Callable[[], object] = lambda: None) -> Told:
    """Ask all monitors at both moments, in this process.

    :param commands: Instead of those of the board.
    :param between: Called between the two moments.
    """
    told, latest, asked = Told(), LatestReadings(), installed_monitors({})

    def take(report: Report) -> None:
        if report.failure:
            told.failures.append(f"{report.monitor}: {report.failure}")
        elif report.monitor:
            latest.take(report)

    members = MonitorRunner(Assignment(asked.chosen, None, 0.1, str(board)), take)
    members.target = replace(members.target, commands=commands or members.target.commands)
    for step in (
        members.enter,
        members.survey,
        members.sample,
        between,
        members.advance,
        members.sample,
        members.leave,
    ):
        step()
    for each in choose_of(asked, latest.resources(), [], ""):
        told.found.setdefault(each.name, []).append(each)
    return told


def _expected(board: Path) -> Mapping[str, dict[str, Any]]:
    expected: dict[str, dict[str, Any]] = json.loads((board / "expected.json").read_text(encoding="utf-8"))
    return expected


def _assert_told(told: Told) -> None:
    """Check that nothing failed or is absurd, and that each metric has a value or a reason."""
    assert told.failures == []
    for name in METRICS:
        (first, *_) = told.found[name]
        assert (first.mean is None) == bool(first.reason), name
    for name, found in told.found.items():
        for each in found:
            least, most = SANE.get(each.unit, (0, 1e15))
            assert each.mean is None or least <= each.mean <= most, f"{name}: {each}"


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies a board, to be damaged."""

    def copied(name: str) -> Path:
        return shutil.copytree(BOARDS / name, tmp_path / name)

    return copied


def _answers(board: Path) -> Iterator[tuple[Path, str, str, str]]:
    """Yield the files of commands, with command line, exit status and output."""
    for path in sorted(board.glob("commands*/*.txt")):
        line, status, output = path.read_text(encoding="utf-8").split("\n", 2)
        yield path, line, status, output


@pytest.mark.parametrize("name", NAMES)
def test_a_board_tells_what_its_documentation_says(name: str) -> None:
    told = lpbench.monitors(BOARDS / name)
    assert told.lost == ()
    for key, expected in _expected(BOARDS / name).items():
        metric, monitor = OF_ONE_MONITOR.get(key, (key, ""))
        if expected.get("missing"):
            found = told.by_name()[metric]
            assert found.value is None, key
            assert found.reason, key
            continue
        found = next(each for each in told.metrics if each.name == metric and monitor in {"", each.monitor})
        assert found.value == pytest.approx(expected["value"], rel=1e-6), key
        assert (found.unit, found.scope) == (expected["unit"], expected["scope"]), key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.7, 0.9, 0.97])
def test_a_cut_output_tells_nothing_absurd(name: str, share: float, copy: Callable[[str], Path]) -> None:
    board = copy(name)
    for path, line, status, output in _answers(board):
        path.write_text("\n".join((line, status, output[: int(len(output) * share)])), encoding="utf-8")
    _assert_told(_ask(board))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_cut_files_raise_nothing(name: str, share: float, copy: Callable[[str], Path]) -> None:
    board = copy(name)
    for path in [*board.glob("root/**/*"), *board.glob("later/**/*")]:
        if path.is_file():
            path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    told = _ask(board)
    assert told.failures == []
    assert all((told.found[metric][0].mean is None) == bool(told.found[metric][0].reason) for metric in METRICS)


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_fail_are_reasons(name: str, copy: Callable[[str], Path]) -> None:
    board = copy(name)
    for path, line, _, output in _answers(board):
        path.write_text(f"{line}\nexit 1\n{output}", encoding="utf-8")
    _assert_told(_ask(board))


class Hanging(Commands):
    """Commands that answer nothing in time, and print nothing."""

    def __init__(self, programs: set[str]) -> None:
        self._programs = programs

    def run(self, *words: str, timeout: float = 5.0) -> str | Unavailable:
        """Return that it did not answer."""
        if words[0] not in self._programs:
            return Unavailable(f"not installed: {words[0]}", "not-installed")
        return Unavailable(f"{' '.join(words)} did not answer within {timeout:g} s", "failed")

    def follow(self, *words: str) -> Stream | Unavailable:
        """Return a stream without lines."""
        return Silent() if words[0] in self._programs else Unavailable(f"not installed: {words[0]}", "not-installed")

    def installed(self, name: str) -> bool:
        """Return whether the board has the program."""
        return name in self._programs


class Silent(Stream):
    """A command that prints nothing and does not end."""

    def lines(self) -> list[str]:
        """Return nothing."""
        return []

    def ended(self) -> str:
        """Return that it runs."""
        return ""

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_hang_are_reasons(name: str) -> None:
    programs = {line.split()[1] for _, line, _, _ in _answers(BOARDS / name)}
    told = _ask(BOARDS / name, Hanging(programs))
    _assert_told(told)
    if not (BOARDS / name / "root").is_dir():
        assert [key for key, each in told.found.items() if each[0].mean is not None] == []


@pytest.mark.parametrize("name", NAMES)
def test_sensors_that_are_unplugged_between_two_samples_are_reasons(name: str, copy: Callable[[str], Path]) -> None:
    board = copy(name)

    def unplug() -> None:
        shutil.rmtree(board / "root/sys", ignore_errors=True)
        shutil.rmtree(board / "later/sys", ignore_errors=True)

    told = _ask(board, between=unplug)
    _assert_told(told)
    for found in told.found.values():
        assert [each for each in found if each.mean is not None and each.source.startswith("/sys")] == []
