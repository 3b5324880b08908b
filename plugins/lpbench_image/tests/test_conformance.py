"""Every processor of this package keeps its contract, by the kit that judges everybody's, with its own case.

Some go through every check, each in a process of its own; the others, for the sake of time, in this one, through those
that need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin import registry, specs
from lpbench.plugin.registry import POSTPROCESSORS
from lpbench.testing import postprocessor_checks, preprocessor_checks
from lpbench.testing._checks import NotApplicable
from lpbench.testing._kinds import TESTED
from lpbench.testing._subject import PostprocessorSubject, named_case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = {
    name: each
    for name, each in TESTED["postprocessor"].checks.items()
    if each.section in {"config", "running"} and name != "config_builds_without_side_effects"
}
"""Checks that need no process of their own."""
WHOLE = {"classification", "embedding", "mask", "ssd"}
"""Those that go through every check: with a library and without, with buffers and files, and the detectors' code."""
OURS = {name: offer.spec for name, offer in registry.current().all(POSTPROCESSORS).items() if offer.plugin == "image"}


def test_every_processor_has_a_case_of_its_own() -> None:
    """So ``lpbench check NAME`` judges each."""
    assert len(OURS) > len(WHOLE)
    for spec in OURS.values():
        assert callable(specs.load(spec.case, who=spec.name)), spec.name


@preprocessor_checks("image")
def test_files_are_preprocessed_as_the_contract_says(check: Callable[[], None]) -> None:
    check()


@postprocessor_checks("classification")
def test_classification_keeps_the_contract(check: Callable[[], None]) -> None:
    check()


@postprocessor_checks("embedding")
def test_embeddings_keep_the_contract(check: Callable[[], None]) -> None:
    check()


@postprocessor_checks("mask")
def test_masks_keep_the_contract(check: Callable[[], None]) -> None:
    """A mask keeps buffers from call to call."""
    check()


@postprocessor_checks("ssd")
def test_detectors_keep_the_contract(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("check", HERE)
@pytest.mark.parametrize("name", sorted(OURS.keys() - WHOLE))
def test_outputs_become_predictions_as_the_contract_says(name: str, check: str, tmp_path: Path) -> None:
    """What the kit says of settings and of predictions."""

    def make(spec: specs.Spec) -> object:
        return named_case(PostprocessorSubject, spec, tmp_path, {})

    subject = PostprocessorSubject(POSTPROCESSORS, name, make, tmp_path)  # type: ignore[arg-type] # cases of any kind
    try:
        HERE[check].function(subject)
    except NotApplicable as reason:
        assert str(reason)  # noqa: PT017 - it must say why
