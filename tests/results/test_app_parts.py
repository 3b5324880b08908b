"""What differs between two apps, by part."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.results.app_parts import app_changes

if TYPE_CHECKING:
    from lpbench.results.model import Configuration


def ran(**parts: dict[str, Any]) -> Configuration:
    """Return a configuration that ran an app of these parts, as far as it is looked at."""
    return SimpleNamespace(app={"parts": parts} if parts else {})  # type: ignore[return-value] # the app alone


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"size": 1}, {"size": 1}, {}),
        ({"resize": {"size": 1, "mode": "a"}}, {"resize": {"size": 2, "mode": "a"}}, {"resize.size": (1, 2)}),
        ({"resize": {}}, {"resize": {"size": 2}}, {"resize": ({}, None), "resize.size": (None, 2)}),
        ({"mean": [1, 2]}, {}, {"mean": ([1, 2], None)}),
    ],
)
def test_settings_that_differ_are_named_by_their_path(
    before: dict[str, Any], after: dict[str, Any], found: dict[str, Any]
) -> None:
    changes = app_changes(ran(preprocessing=before), ran(preprocessing=after))
    assert changes == ({"preprocessing": found} if found else {})


def test_one_app_differs_in_nothing() -> None:
    assert app_changes(ran(), ran()) == {}
    assert app_changes(ran(), ran(inference={"model": "a"})) == {"inference": {"model": (None, "a")}}
