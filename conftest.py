"""For the suites of the core and of every plugin."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# a runner in the background has Ctrl-C ignored and would pass that on to what the tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

# images with Python often forbid it to keep what it compiles; then each of thousands of processes compiles lpbench anew
sys.dont_write_bytecode = False
os.environ["PYTHONDONTWRITEBYTECODE"] = ""

# a busy machine is no failure: tests assert no times, and neither does hypothesis
settings.register_profile("lpbench", parent=settings.default, deadline=None)
settings.load_profile("lpbench")

TRY = (
    "from lpbench.plugin import discovery, trials; trials.refusals([point for point, _ in discovery.entry_points()[0]])"
)


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Try the plugins that are installed here once, as every test's own cache would have it; returns the cache.

    In a process of its own: what pytest has imported already would not be tried, and then by every test.
    """
    place = tmp_path_factory.mktemp("tried")
    subprocess.run(
        [sys.executable, "-c", TRY], check=True, env=os.environ | {"XDG_CACHE_HOME": str(place)}, timeout=300
    )
    return place


@pytest.fixture(scope="module", autouse=True)
def _no_process_for_checks_is_left() -> Iterator[None]:
    """End the process from which the checks of a module were forked: other tests count their children."""
    yield
    if (nursery := sys.modules.get("lpbench.testing._nursery")) is not None:
        nursery.close()
