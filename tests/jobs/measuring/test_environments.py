"""Engines in other Python environments: real interpreters and workers, a fake engine."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

import lpbench
from lpbench.cli import main
from lpbench.errors import ConfigError, LpbenchError, UnavailableEngineError, UnknownNameError, WorkerError
from lpbench.jobs.environments import Environments
from lpbench.jobs.measuring.progress import Progress
from lpbench.results.json_document import from_dict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.jobs.measuring.live import LiveComparison

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]

OTHER_PROTOCOL = "import lpbench.worker.protocol as protocol\nprotocol.VERSION = 99\n"
OTHER_MACHINE = """
import os
own = os.uname()
os.uname = lambda: os.uname_result((*own[:4], "riscv64"))
"""
EMULATED = """
import os
read = os.readlink
os.readlink = lambda path, **how: "/usr/bin/elsewhere" if path == "/proc/self/exe" else read(path, **how)
"""
OTHER_OPTIONS = """
from dataclasses import dataclass
import lpbench_fakes.engine as fakes
@dataclass(frozen=True)
class OtherConfig(fakes.FakeConfig):
    newer: int = 0
OtherConfig.__doc__ = "Options of a later version."
fakes.FakeConfig = OtherConfig
"""
BROKEN = """
from lpbench.plugin.specs import Availability, EngineSpec, State
EngineSpec.availability = lambda self: Availability(State.BROKEN, "its library is damaged", "install it")
"""


def quick(app: Path, engines: list[str]) -> LiveComparison:
    return lpbench.compare_live(app, engines, runs=2, max_time=0.5)


def test_two_environments_take_turns_and_are_named_in_the_result(fake_app: Make, environment: Make) -> None:
    first, second = environment("one place"), environment("other", version="2.0")
    engines = [f"fake@{first}", f"fake@{second}:extra_us=100"]
    result, (found,) = quick(fake_app(), engines)
    assert (found.basis, found.first, found.second) == ("lockstep", f"fake@{first}", f"fake@{second}:extra_us=100")
    assert [each.software["environment"] for each in result.configurations] == [str(first), str(second)]
    assert found.software["lpbench-fakes"] == ("1.0", "2.0")
    assert found.software["environment"] == (str(first), str(second))
    assert found.answers == (3, 3)
    again = from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.configurations == result.configurations


def test_an_environment_is_compared_with_that_of_the_caller(fake_app: Make, environment: Make, capsys: Capture) -> None:
    place = environment("other")
    words = ("--engine", f"fake@{place}", "--engine", "fake", "--runs", "2", "--max-time", "0.5")
    assert main(["compare", "--live", str(fake_app()), *words]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"fake@{place} → fake" in told
    assert f"environments: {place} → " in told
    assert "they differ in: no version" in told
    assert "packages in one of them only: 0 in the first, " in told


def test_what_the_engine_is_there_decides_not_what_it_is_here(fake_app: Make, environment: Make) -> None:
    place = environment("newer", code=OTHER_OPTIONS)
    with pytest.raises(ConfigError, match='unknown key "newer"') as caught:
        quick(fake_app(), [f"fake@{place}:newer=2", "fake:newer=2"])
    assert caught.value.where == "options of fake"
    with pytest.raises(ConfigError, match='unknown key "extra"') as caught:
        quick(fake_app("again"), [f"fake@{place}:extra=2", "fake"])
    assert caught.value.where.startswith(str(place))
    result, _ = quick(fake_app("fits"), [f"fake@{place}:newer=2", f"fake@{place}"])
    assert [each.options for each in result.configurations] == [{"newer": 2}, {}]


def test_an_environment_may_print_whenever_its_python_starts(fake_app: Make, environment: Make) -> None:
    place = environment("other", code="import sys; print('welcome'); print('to all', file=sys.stderr)")
    _, (found,) = quick(fake_app(), [f"fake@{place}", "fake"])
    assert found.first == f"fake@{place}"


@pytest.mark.parametrize(
    ("made", "error", "words"),
    [
        ({"core": False, "plugin": ""}, LpbenchError, r"has no lpbench\n.*bin/python -m pip install lpbench"),
        ({"plugin": ""}, UnknownNameError, r'unknown engine "fake"'),
        ({"code": OTHER_PROTOCOL}, WorkerError, r"speaks protocol 99, this lpbench \d+\n.*-m pip install lpbench=="),
        ({"code": OTHER_MACHINE}, WorkerError, r"made for 'riscv64' and this machine is .*slower than it is"),
        ({"code": EMULATED}, WorkerError, r"runs in an emulator"),
        ({"code": BROKEN}, UnavailableEngineError, r"its library is damaged\n  install it"),
        ({"code": "import sys; sys.exit(5)"}, LpbenchError, r"its Python does not run: "),
    ],
    ids=["no lpbench", "no engine", "protocol", "machine", "emulator", "broken engine", "broken Python"],
)
def test_an_environment_that_cannot_be_measured_is_refused_with_the_remedy(
    fake_app: Make, environment: Make, made: dict[str, str], error: type[LpbenchError], words: str
) -> None:
    place, reports = environment("other", **made), list[Progress]()
    with pytest.raises(error, match=words) as caught:
        lpbench.compare_live(fake_app(), ["fake", f"fake@{place}"], progress=reports.append)
    assert str(place) in str(caught.value)
    assert reports == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{}/none", "no such environment"),
        ("{}", "is not a Python environment: it has no bin/python"),
        ("", "no environment follows the @"),
        ("env:", "no environment follows the @"),
        ("env:never-made", 'there is no environment "never-made"'),
        ("env:../elsewhere", "is not the name of an environment"),
    ],
)
def test_a_place_without_an_environment_is_refused(fake_app: Make, tmp_path: Path, place: str, words: str) -> None:
    with pytest.raises(LpbenchError, match=words):
        lpbench.compare_live(fake_app(), ["fake", f"fake@{place.format(tmp_path)}"])


def test_one_that_is_deleted_meanwhile_ends_its_own_side_alone(fake_app: Make, environment: Make) -> None:
    place = environment("other")

    def delete(progress: Progress) -> None:
        if progress.run == 1 and place.exists():
            shutil.rmtree(place)

    result, found = lpbench.compare_live(fake_app(), ["fake", f"fake@{place}"], runs=3, max_time=0.5, progress=delete)
    here, gone = result.configurations
    assert [run.outcome.ok for run in here.runs] == [True] * 3
    assert f"the environment {place} is gone" in gone.runs[-1].outcome.detail
    assert all(each.total.verdict.value == "UNCLEAR" for each in found)


def test_two_names_of_one_environment_are_two_sides(fake_app: Make, environment: Make) -> None:
    place = environment("other")
    engines = [f"fake@{place}", f"fake@{place}/bin/python"]
    _, (found,) = quick(fake_app(), engines)
    assert (found.first, found.second) == tuple(engines)
    assert found.software == {}


def test_other_commands_refuse_an_environment(fake_app: Make, environment: Make) -> None:
    app = fake_app()
    with pytest.raises(LpbenchError, match="other environments are for run and compare --live"):
        lpbench.agree(app, ["fake", f"fake@{environment('other')}"])


def test_what_is_missing_there_is_installed_there(fake_app: Make, environment: Make) -> None:
    place = environment("other")
    with pytest.raises(UnavailableEngineError, match=f"{place}/bin/python -m pip install no-such-library") as caught:
        lpbench.compare_live(fake_app(), ["fake", f"absent@{place}"])
    assert caught.value.where == str(place)


def test_what_is_installed_there_is_asked_in_one_worker(environment: Make) -> None:
    place = str(environment("other"))
    with Environments() as environments:
        known = environments.get(place)
        assert known is environments.get(place)
        assert known.offer("phony").spec.name == "fake"
        assert known.software.packages["lpbench-fakes"] == "1.0"
