"""AscendCL keeps lpbench's contract over the fake: in both run modes, both ways of calling, with an old pyACL too."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.testing import EngineCase, engine_checks
from lpbench_acl.case import case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake


@engine_checks("acl")
def test_on_a_host(check: Callable[[], None], fake_acl: Fake) -> None:
    check()


def waiting(folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return the plugin's own case with calls that wait each by itself."""
    return dataclasses.replace(case(folder, options), options={"asynchronous": False, "memory": "normal"})


@pytest.mark.long
@engine_checks("acl", case=waiting)
def test_on_the_npus_own_processor_with_an_old_pyacl(check: Callable[[], None], fake_acl: Fake) -> None:
    fake_acl.set(run_mode=0, api="old")
    check()


@pytest.mark.long
@engine_checks("acl")
def test_on_the_npus_own_processor(check: Callable[[], None], fake_acl: Fake) -> None:
    fake_acl.set(run_mode=0)
    check()
