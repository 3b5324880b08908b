"""Choosing among the rows of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lpbench
from lpbench.jobs.sweep import _sweep
from lpbench.render import unstyled
from lpbench.render.choice import screen
from lpbench.results.choosing import Rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_the_fastest_row_is_so_beside_the_reference_whatever_the_hour(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine takes a quarter of the time from the third block on; what is faster there is not faster."""
    folder = tmp_path / "rows"

    def measure(*given: Any) -> Any:
        ledger.reference_ns *= 0.25 if len(ledger.measured()) == 4 else 1.0
        return ledger(*given)

    monkeypatch.setattr(_sweep, "measure", measure)
    sweep = pretended.swept(fake_app(), folder)
    found = lpbench.choose(folder, best="LATENCY")
    raw = [row.metrics["LATENCY"].value for row in sweep.rows]
    assert found.choice is not None
    assert found.choice.value("CONFIGURATION") == "fake:extra_us=10:threads=1"
    assert found.choice.value("LATENCY") != min(raw)
    assert found.rule is Rule.RATIOS
    assert [each.value("CONFIGURATION") for each in found.not_told_apart] == ["fake:extra_us=10:threads=2"]
    assert "compared by LATENCY_REFERENCED" in str(found)
    assert lpbench.choose(sweep, best="LATENCY").choice == found.choice


def test_what_a_row_is_called_is_whole_where_the_terminal_is_narrow(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    """It is what ``--engine`` takes; numbers make room for it."""
    assert not ledger.measured()
    pretended.swept(fake_app(), tmp_path / "rows", engines=("fake:extra_us=10", "fake:extra_us=20"))
    found = lpbench.choose(tmp_path / "rows", max={"LATENCY": 50, "LATENCY_RATIO": 50}, best="LATENCY")
    lines = screen(found, width=60, paint=unstyled)
    assert any("fake:extra_us=20:threads=2" in line for line in lines)


def test_rows_that_were_not_measured_or_cannot_win_are_named_and_never_chosen(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    pretended.swept(fake_app(), tmp_path / "rows", engines=("fake", "fake:extra_us=1", "absent"), threads=1)
    found = lpbench.choose(tmp_path / "rows", best="LATENCY")
    assert len(found.fitting) == 2
    assert found.set_aside == {"impossible": 1}
    assert "1 set aside: impossible" in str(found)
