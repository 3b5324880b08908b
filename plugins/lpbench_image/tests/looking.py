"""Runs apps a little and says what they saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lpbench

if TYPE_CHECKING:
    from collections.abc import Mapping


def seen(app: Path, **options: Any) -> dict[str, Mapping[str, Any]]:
    """Return what an app says of its own samples, by name."""
    return {Path(each["sample"]).name: each for each in looked(app, **options).predictions}


def looked(app: Path, **options: Any) -> lpbench.Configuration:
    """Return what came out of an app that was run a little in this process."""
    asked = {"number": 2, "runs": 1, "isolate": False, "yardstick": False, "max_time": 1, "threads": 1, **options}
    (found,) = lpbench.benchmark(app, **asked).configurations
    return found
