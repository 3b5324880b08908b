"""LiteRT keeps lpbench's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.testing import engine_checks

if TYPE_CHECKING:
    from collections.abc import Callable


@engine_checks("tflite")
def test_tflite(check: Callable[[], None]) -> None:
    check()
