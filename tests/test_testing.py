"""The conformance kit against a plugin that keeps every contract, or breaks the one that it is told to."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench import registry
from lpbench.testing import _kinds, _parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.testing._parent import Checker

pytest.importorskip("numpy", reason="needs numpy")

HERE = Path(__file__).parent
VARIANTS = {
    "process_is_left_as_it_was": ("environment", "native", "folder", "signal", "umask"),
    "standard_output_is_silent": ("python", "native"),
    "sessions_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "failed_opens_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "runs_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "calls_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "stays_leave_nothing_behind": ("descriptors", "threads", "memory"),
    "outputs_stay_valid_as_stated": ("buffer", "describe"),
    "outputs_are_complete_when_run_returns": ("lazy", "later"),
    "threads_at_work_are_those_asked_for": ("crowd", "busy"),
    "no_files_are_left": ("temporary", "beside"),
    "profile_or_reason": ("records", "values"),
}
"""Checks that look for several things: a fault for each."""
FAULTS = [
    (kind, check, f"{kind}/{check}{variant}")
    for kind, tested in _kinds.TESTED.items()
    for check in tested.checks
    for variant in [f":{each}" for each in VARIANTS.get(check, ())] or [""]
]


@pytest.fixture(scope="module")
def sloppy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Checker]]:
    """Install the plugin for this process and the checks', and return one checker for each kind of thing."""
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("site")
    meta = place / "lpbench_sloppy-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: lpbench-sloppy\nVersion: 1.0\n", encoding="utf-8")
    (meta / "entry_points.txt").write_text("[lpbench]\nsloppy = lpbench_sloppy\n", encoding="utf-8")
    places = [str(HERE / "sloppy"), str(place)]
    for each in places:
        patch.syspath_prepend(each)
    patch.setenv("PYTHONPATH", os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])]))
    patch.delenv("SLOPPY", raising=False)
    registry.refresh()
    cases = importlib.import_module("lpbench_sloppy.cases")
    kinds = {each.word: each for each in registry.KINDS}
    found = {word: _parent.Checker(kinds[word], "sloppy", getattr(cases, word), {}, {}) for word in _kinds.TESTED}
    for checker in found.values():
        checker.prepare()
    yield found.__getitem__
    patch.undo()
    registry.refresh()


@pytest.mark.parametrize("kind", _kinds.TESTED)
def test_a_tidy_plugin_passes_every_check_and_every_check_applies(sloppy: Callable[[str], Checker], kind: str) -> None:
    assert {each.check: each.message for each in sloppy(kind).all() if each.status != "passed"} == {}


@pytest.mark.parametrize(("kind", "check", "fault"), FAULTS, ids=[fault for *_, fault in FAULTS])
def test_a_plugin_that_breaks_a_contract_fails_its_check(
    sloppy: Callable[[str], Checker], kind: str, check: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every check, each with the fault that it is for, or with one for each thing that it looks at."""
    monkeypatch.setenv("SLOPPY", fault)
    found = sloppy(kind).run(check)
    assert found.status == "failed", found
    assert found.message
