"""``lpbench export``, ``import`` and ``validate`` of published data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main
from lpbench.jobs import exchanging
from lpbench.jobs import sweep as sweeps
from lpbench.results.run import Metric
from lpbench.results.sweep import Asked, Sweep, SweepRow

if TYPE_CHECKING:
    Capture = pytest.CaptureFixture[str]


def row(number: int, engine: str) -> SweepRow:
    """Return a row of a sweep."""
    metrics = {"LATENCY": Metric(10.0 + number, "ms"), "CPU_MEM": Metric(40.0, "MB")}
    facts: dict[str, Any] = {"MODEL": "net", "ENGINE": engine, "PROCESSOR": "CPU", "PRECISION": "F32"}
    return SweepRow(number, Asked("net", engine), engine, "OK", "", facts, metrics)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the folder of a sweep that was never measured, of which two rows have the same key."""
    rows = (row(1, "onnxruntime"), row(2, "ncnn"), row(3, "ncnn"))
    for module in (sweeps, exchanging):  # both, or the second keeps the fake if it is imported meanwhile
        monkeypatch.setattr(module, "load_sweep", lambda place: Sweep(Path(place), rows, {}, (1, 1)))
    return "night"


def test_a_sweep_is_exported_validated_and_imported(folder: str, tmp_path: Path, capsys: Capture) -> None:
    out = str(tmp_path / "out")
    words = ["export", folder, "--algorithm", "imagenet", "--platform", "my-board", "-o", out]
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert "ncnn, ncnn: no column of the format tells them apart" in shown
    assert "--filter engine=NAME takes some rows" in shown
    assert main([*words, "--filter", "engine=onnxruntime", "--price", "60"]) == 0
    shown = capsys.readouterr().out
    assert "imagenet_my-board.csv: 1 row" in shown
    assert 'note: VERSION is not known in 1 row: "unknown" stands there' in shown
    assert "HW_price" not in shown
    assert main([*words, "--filter", "engine=onnxruntime"]) == 2
    assert "--force overwrites it" in capsys.readouterr().err
    assert main(["validate", out]) == 0
    assert main(["import", out, "-o", str(tmp_path / "taken")]) == 0
    assert "1 algorithm, 1 row" in capsys.readouterr().out
    assert (tmp_path / "taken" / "imagenet_my-board.csv").read_bytes() == Path(
        out, "imagenet_my-board.csv"
    ).read_bytes()


def test_a_platform_without_a_data_sheet_is_exported_and_told(folder: str, tmp_path: Path, capsys: Capture) -> None:
    words = ["export", folder, "--algorithm", "net", "--filter", "engine=onnxruntime", "-o", str(tmp_path)]
    assert main([*words, "--platform", "rpi44"]) == 0
    assert 'note: HW_price is not known: "rpi44" is not among the platforms' in capsys.readouterr().out


def test_faults_are_counted_by_kind_and_by_file(tmp_path: Path, capsys: Capture) -> None:
    variables = [{"ID": "ENGINE", "description": None, "type": "str"}]
    targets = [{"ID": name, "description": None, "type": "float"} for name in ("LATENCY", "POWER_CONSUMPTION")]
    document = {"name": "net", "HW_ID": "pc", "HW_price": None, "hyperparams": variables, "targets": targets}
    (tmp_path / "net_pc.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "net_pc.csv").write_text("ENGINE,LATENCY,POWER_CONSUMPTION\na,1,0\nb,2,3\n", "utf-8")
    assert main(["validate", str(tmp_path / "net_pc.csv")]) == 2
    shown = capsys.readouterr().out
    assert "net_pc: POWER_CONSUMPTION: zero-as-missing in 1 row of 2" in shown
    assert "note: typed-target" in shown
    assert main(["import", str(tmp_path / "net_pc.csv"), "-o", str(tmp_path / "a"), "-v"]) == 0
    shown = capsys.readouterr().out
    assert "net_pc\n  zero-as-missing 1: POWER_CONSUMPTION: 0 stands for what was not measured" in shown
    assert f"next: lpbench choose {tmp_path / 'a'}" in shown
    assert main(["import", str(tmp_path / "net_pc.json"), "-o", str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"zero-as-missing": 1, "typed-target": 2}
    assert found["tables"] == [{"algorithm": "net", "rows": 2}]
    assert (tmp_path / "b" / "net_pc.csv").read_text("utf-8") == "ENGINE,LATENCY,POWER_CONSUMPTION\na,1.0,\nb,2.0,3.0\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "no-such.csv", "-o", "x"], "no-such.csv"),
        (["import", ".", "-o", "x"], "holds no descriptors"),
        (["export", "night", "--algorithm", "a_b", "--platform", "pc", "-o", "x"], "a-b"),
        (["export", "night", "--algorithm", "a", "--platform", "pc", "-o", "x", "--price", "-1"], "0 or more"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
