"""The conformance kit on the CPU and on a Vulkan device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.testing import engine_checks

if TYPE_CHECKING:
    from collections.abc import Callable

VULKAN = {"device": "vulkan:0"}


@engine_checks("ncnn")
def test_cpu(check: Callable[[], None]) -> None:
    check()


@pytest.mark.long
@engine_checks("ncnn", options=VULKAN)
def test_vulkan(check: Callable[[], None], vulkan: str) -> None:
    assert vulkan == VULKAN["device"]
    check()
