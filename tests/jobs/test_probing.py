"""What an engine's probe answers: its devices, why others cannot be used, and what helps; whatever it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.cli import main

if TYPE_CHECKING:
    from lpbench.plugin import registry

    Capture = pytest.CaptureFixture[str]


def test_a_probe_that_finds_no_device_names_the_remedy(
    fakes: registry.Registry, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The hint of all comes first; else those of single devices."""
    hints = {"gpu": "apt install a-driver", "npu": "plug it in"}
    found = {"devices": [], "unusable": {"gpu": "no driver", "npu": "not there"}, "hints": hints}
    monkeypatch.setenv("FAKE_PROBE", json.dumps(found))
    available = lpbench.probe("fake").availability
    assert "gpu: no driver; npu: not there" in available.reason
    assert available.hint == "apt install a-driver; plug it in"
    monkeypatch.setenv("FAKE_PROBE", json.dumps({**found, "hint": "buy another board"}))
    assert main(["engines", "--probe"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "buy another board" in printed
    assert "fake cannot use gpu: no driver. apt install a-driver" in printed
    assert main(["engines", "--probe", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert (listed["fake"]["state"], listed["fake"]["hint"]) == ("unsupported", "buy another board")
    assert listed["fake"]["hints"] == hints


@pytest.mark.parametrize(
    "found",
    [
        {"hint": 5},
        {"hint": ["a"]},
        {"hints": "x"},
        {"hints": {"gpu": None}},
        {"hints": {"gpu": {"hint": "x"}}},
        {"unusable": {"gpu": 1}},
        {"devices": None},
        {"devices": "cpu"},
        {"version": {}},
    ],
    ids=str,
)
def test_a_probe_whose_answer_has_other_types_is_broken_and_says_where(
    fakes: registry.Registry, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]
) -> None:
    monkeypatch.setenv("FAKE_PROBE", json.dumps(found))
    available = lpbench.probe("fake").availability
    assert available.state.value == "broken"
    assert f"probe's answer.{next(iter(found))}" in available.reason


def test_a_probe_without_version_and_with_endless_words_is_shown(
    fakes: registry.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PROBE", json.dumps({"version": None, "devices": [], "hint": "x" * 100_000}))
    probed = lpbench.probe("fake")
    assert probed.version == ""
    assert len(probed.availability.hint) < 2_000
    many = {f"gpu:{index}": "no driver" for index in range(10_000)}
    monkeypatch.setenv("FAKE_PROBE", json.dumps({"devices": [], "unusable": many}))
    assert len(lpbench.probe("fake").availability.reason) < 2_000
