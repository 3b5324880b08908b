"""The engine keeps lpbench's contract: one test for each check of the conformance kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.testing import engine_checks

if TYPE_CHECKING:
    from collections.abc import Callable


@engine_checks("onnxruntime")
def test_the_engine_keeps_the_contract(check: Callable[[], None]) -> None:
    check()


@engine_checks("onnxruntime", options={"io_binding": True, "threads": 2})
def test_so_it_does_with_io_binding(check: Callable[[], None]) -> None:
    check()
