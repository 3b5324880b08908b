"""``lpbench choose``: the answer, its reasons, and the command that a relaxation comes to."""

from __future__ import annotations

import csv
import io
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.cli import main

if TYPE_CHECKING:
    from pathlib import Path

ROWS: dict[str, list[tuple[str, str, float, float, float | None]]] = {
    "rpi4": [("m1", "ncnn", 71.0, 40.0, 4.0), ("m2", "ncnn", 76.0, 90.0, 4.5)],
    "nuc": [("m1", "onnxruntime", 71.0, 9.0, None), ("m2", "onnxruntime", 76.0, 19.0, 14.0)],
}


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    """Write two platforms in the published format and return their folder."""
    words: list[dict[str, object]] = [{"ID": name, "description": None, "type": "str"} for name in ("MODEL", "ENGINE")]
    bounds: dict[str, object] = {"LB": None, "UB": None}
    quality = {"ID": "QUALITY_VALUE", "description": "Accuracy top-1", "type": "float", **bounds}
    targets = [{"ID": name, "description": None, **bounds} for name in ("LATENCY", "POWER_CONSUMPTION")]
    for platform, rows in ROWS.items():
        document = {
            "name": "imagenet",
            "HW_ID": platform,
            "HW_price": None,
            "hyperparams": [*words, quality],
            "targets": targets,
        }
        (tmp_path / f"imagenet_{platform}.json").write_text(json.dumps(document), encoding="utf-8")
        lines = [
            "MODEL,ENGINE,QUALITY_VALUE,LATENCY,POWER_CONSUMPTION",
            *(",".join("" if cell is None else str(cell) for cell in row) for row in rows),
        ]
        (tmp_path / f"imagenet_{platform}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["choose", *words])
    return status, *capsys.readouterr()


def test_the_choice_comes_first_and_every_platform_that_is_out_has_its_reason(
    pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text, _ = run(capsys, pairs, "--max", "latency=50ms", "--best", "POWER_CONSUMPTION")
    assert status == 0
    assert text.startswith("imagenet: lowest POWER_CONSUMPTION: 4.00 W, rpi4 m1 ncnn")
    assert "POWER_CONSUMPTION: 1 row (nuc 1)" in text
    status, text, _ = run(capsys, pairs, "--max", "POWER_CONSUMPTION=5", "--best", "LATENCY")
    assert status == 0
    assert "nuc (2 rows): POWER_CONSUMPTION at most 5 W: its best is 14.0 (1 not known)" in text


def test_where_nothing_fits_the_next_command_does(pairs: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--max", "LATENCY=18", "--min", "QUALITY_VALUE=75", "--best", "POWER_CONSUMPTION"]
    status, text, _ = run(capsys, pairs, *asked)
    assert status == 1
    assert "nothing fits" in text
    assert "LATENCY at most 19 ms (by 5.6 %)" in text
    (line,) = [line for line in text.splitlines() if line.startswith("next: ")]
    program, command, *words = shlex.split(line.removeprefix("next: "))
    assert (program, command) == ("lpbench", "choose")
    assert run(capsys, *words)[0] == 0


def test_json_and_csv_hold_the_same_answer(pairs: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [pairs, "--best", "LATENCY", "--pareto", "LATENCY,QUALITY_VALUE"]
    document: dict[str, Any] = json.loads(run(capsys, *asked, "--json")[1])
    assert document["best"]["direction"] == "lowest"
    assert document["choice"]["values"]["PLATFORM"] == "nuc"
    assert [each["values"]["MODEL"] for each in document["pareto"]["rows"]] == ["m1", "m2"]
    rows = list(csv.DictReader(io.StringIO(run(capsys, *asked, "--csv")[1])))
    assert [(row["PLACE"], row["ON_FRONT"]) for row in rows] == [("1", "1"), ("2", "1"), ("3", "0"), ("4", "0")]
    assert "Pareto front of lowest LATENCY, highest QUALITY_VALUE: 2 rows" in run(capsys, *asked)[1]
    assert "<table>" in run(capsys, *asked, "--html")[1]
    assert "| nuc | m1 |" in run(capsys, *asked, "--markdown")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--best", "LATENZY"], "LATENCY"),
        (["--max", "LATENCY=4", "--max", "LATENCY=5", "--best", "LATENCY"], "given twice"),
        (["--max", "LATENCY", "--best", "LATENCY"], "KEY=VALUE"),
        (["--max", "LATENCY=fast", "--best", "LATENCY"], "finite number in ms"),
        (["--equal", "ENGINE=nccn", "--best", "LATENCY"], 'did you mean "ncnn"'),
        (["--algorithm", "imagnet", "--best", "LATENCY"], 'did you mean "imagenet"'),
        (["--top", "-1", "--best", "LATENCY"], "0 or more"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(
    pairs: str, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    status, text, error = run(capsys, pairs, *words)
    assert (status, text) == (2, "")
    assert said in error
