"""The kernels against the conformance kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.testing import algorithm_checks, check_algorithm

if TYPE_CHECKING:
    from collections.abc import Callable


@algorithm_checks("correlation")
def test_correlation(check: Callable[[], None]) -> None:
    check()


@pytest.mark.long
@pytest.mark.parametrize("name", ["fwt", "saxpy", "convolution"])
def test_the_others(name: str) -> None:
    assert [each for each in check_algorithm(name) if each.status != "passed"] == []
