"""The kernels in sweeps: columns and ranges of the published data."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.plugin import registry

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = {"fwt": 2, "saxpy": 3, "convolution": 4, "correlation": 7}


def test_the_kernels_have_the_published_variables_and_ranges() -> None:
    offers = registry.current().all(registry.ALGORITHMS)
    for name, count in VARIABLES.items():
        signature = offers[name].spec.signature
        assert signature is not None
        assert [each.name for each in signature.hyperparameters] == [f"var_{at}" for at in range(count)]
        assert {(each.type, each.lower, each.upper) for each in signature.hyperparameters} == {("int", 4, 53)}
        assert (signature.inputs, signature.instances) == ((), 30)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_sweep_is_exported_with_the_published_columns(name: str, tmp_path: Path) -> None:
    count = VARIABLES[name]
    values: dict[str, list[int]] = {f"var_{at}": [53] for at in range(count)}
    values["var_1"] = [4, 53]
    found = lpbench.sweep(name, tmp_path / "rows", values=values, runs=1)
    assert [row.state for row in found.rows] == ["OK", "OK"]
    rough, exact = found.rows
    assert (exact.value("error"), exact.value("quality")) == (0.0, None)
    assert "not defined for 30 of 30 instances" in exact.metrics["quality"].reason
    assert rough.value("error") > 0  # type: ignore[operator] # it was measured
    done = lpbench.export(found, tmp_path / "pairs", algorithm=name, platform="pc")
    with done.dataset.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*(f"var_{at}" for at in range(count)), "time", "memory", "error", "quality"]
    assert [row[-2:] for row in rows][1] == ["0.0", ""]
    assert math.isclose(float(rows[0][-1]), float(str(rough.value("quality"))))


def test_a_folder_with_the_name_of_an_algorithm_is_not_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of its sweep is often called so, and the same command goes on."""
    from lpbench.cli import main

    monkeypatch.chdir(tmp_path)
    asked = ["sweep", "fwt", "--values", "var_0=8", "--values", "var_1=8", "--runs", "1", "-o", "fwt"]
    assert main(asked) == main(asked) == 0
    assert lpbench.load_sweep("fwt").rows[0].asked.app == "fwt"
    (tmp_path / "plan.toml").write_text('apps = "fwt"\nsample = 2\n', "utf-8")
    assert main(["sweep", "plan.toml", "--dry-run"]) == 0


def test_a_latin_hypercube_of_a_kernel_meets_every_number_of_bits_equally_often(tmp_path: Path) -> None:
    from lpbench.jobs.sweep import outlined, plan_of

    plan = plan_of("correlation", {"sample": 100, "seed": 4})
    assert plan is not None
    rows = outlined(plan, tmp_path)[0].rows
    for at in range(VARIABLES["correlation"]):
        bits = [row.asked.values[f"var_{at}"] for row in rows]
        assert sorted(bits) == sorted([*range(4, 54)] * 2)
