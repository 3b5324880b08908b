"""A plugin of pytest: tells of each failure when it happens, and writes what became of each test, for ``skips.py``.

``pytest -p recorder --record FILE`` with this folder on PYTHONPATH.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

RANK = ("skipped", "passed", "failed")
"""A test has several reports (setup, call, teardown); the last in this order counts."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--record``."""
    parser.addoption("--record", metavar="FILE", help="write every test's outcome to FILE as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Start recording if asked to."""
    if (path := config.getoption("--record")) and not hasattr(config, "workerinput"):  # xdist's workers tell the first
        config.pluginmanager.register(Recorder(Path(path)))


class Recorder:
    """Keeps one outcome and one reason for each node."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: dict[str, tuple[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test; setup and teardown count only when they do not pass."""
        if report.failed:  # told at once, since a run that is ended later prints no summary
            print(f"\nFAILED {report.nodeid}\n{report.longreprtext}", flush=True)
        if report.when == "call" or not report.passed:
            self._take(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a module that was skipped or failed as a whole."""
        if not report.passed:
            self._take(report)

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"python": platform.python_version(), "tests": self.tests}), encoding="utf-8")

    def _take(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        outcome, reason = report.outcome, ""
        if hasattr(report, "wasxfail"):
            outcome = "passed"  # it ran, and did what was expected of it
        elif outcome == "skipped" and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        known = self.tests.get(report.nodeid, ("skipped", ""))
        if RANK.index(outcome) >= RANK.index(known[0]):
            self.tests[report.nodeid] = (outcome, reason)
