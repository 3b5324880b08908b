"""``run``, ``benchmark-analyzer`` and ``show`` on a fake engine, in this process and as a person starts them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.cli import main
from lpbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpbench.results.model import Result

    Capture = pytest.CaptureFixture[str]
    Make = Callable[..., Path]

FEW = ("--number", "12", "--runs", "2")


def saved() -> list[Path]:
    """Return the results that were saved without being asked."""
    return sorted(store.folder().glob("*.json"))


def newest() -> Result:
    return store.load(store.LAST)


def test_run_prints_the_answer_saves_it_and_names_the_next_command(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app(work_us=300)), *FEW]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("latency ")
    assert any(line.startswith("engines/fake") for line in lines)
    (path,) = saved()
    assert lines[-2] == f"saved {path}"
    assert lines[-1].startswith("next: lpbench ")
    assert newest().configurations[0].engine == "fake"


def test_predictions_are_printed_between_the_table_and_the_path(fake_app: Make, capsys: Capture) -> None:
    """An app that doubles 1, 2, 3: the label of each sample's answer is its parity."""
    main(["run", str(fake_app()), *FEW, "--predictions"])
    text = capsys.readouterr().out
    places = [text.index(part) for part in ("engines/fake", "0.txt   even", "1.txt   even", "saved ")]
    assert places == sorted(places)


def test_output_and_predictions_are_written_where_asked(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    result, text = tmp_path / "r.json", tmp_path / "r.txt"
    assert main(["run", str(fake_app()), *FEW, "-o", str(result), "--results", str(text)]) == 0
    assert store.load(result) == newest()
    assert re.findall(r"^\d\.txt$", text.read_text(encoding="utf-8"), re.MULTILINE) == ["0.txt", "1.txt", "2.txt"]
    assert text.read_text(encoding="utf-8").count("class: even") == 3
    assert str(result) in capsys.readouterr().out


@pytest.mark.parametrize("option", ["-o", "--results"])
def test_a_file_that_exists_is_refused_before_anything_is_measured(
    fake_app: Make, tmp_path: Path, capsys: Capture, option: str
) -> None:
    """The engine would crash if it were started; the file stays as it was and nothing is saved."""
    place = tmp_path / "precious"
    place.write_text("mine", encoding="utf-8")
    assert main(["run", str(fake_app(at="load", do="crash")), option, str(place)]) == 2
    assert "exists" in capsys.readouterr().err
    assert place.read_text(encoding="utf-8") == "mine"
    assert not saved()


def test_force_overwrites(fake_app: Make, tmp_path: Path) -> None:
    place = tmp_path / "r.json"
    place.write_text("old", encoding="utf-8")
    assert main(["run", str(fake_app()), *FEW, "-o", str(place), "--force"]) == 0
    assert store.load(place).state == "OK"


def test_a_folder_that_is_not_there_is_refused_before_anything_is_measured(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["run", str(fake_app()), "-o", str(tmp_path / "no" / "r.json")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not saved()


def test_a_full_disk_costs_the_file_but_not_the_number(fake_app: Make, capsys: Capture) -> None:
    """/dev/full refuses every byte: the table is printed, the saved copy is there, the status says that -o failed."""
    assert main(["run", str(fake_app()), *FEW, "-o", "/dev/full", "--force"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith("latency ")
    assert "/dev/full: cannot be written: No space left on device" in shown.err
    assert len(saved()) == 1


def test_json_is_all_that_stands_on_standard_output(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app()), *FEW, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == json.loads(saved()[0].read_text(encoding="utf-8"))
    assert "saved" in shown.err


def test_a_worker_that_crashes_is_an_outcome_and_the_status_says_that_nothing_was_measured(
    fake_app: Make, capsys: Capture
) -> None:
    assert main(["run", str(fake_app(at="load", do="crash"))]) == 3
    shown = capsys.readouterr()
    assert "crashed: SIGSEGV while loading" in shown.out
    assert "Traceback" not in shown.out + shown.err
    assert newest().state == "failed"


def test_engines_that_cannot_run_are_listed_with_the_reason(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app()), *FEW, "--engine", "fake,absent"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^fake +\d", text, re.MULTILINE)
    assert "not measured" in text
    assert re.search(r"^  absent  .*no_such_library", text, re.MULTILINE)
    assert "pip install no-such-library" in text


def test_options_reach_the_engine_with_their_types(fake_app: Make) -> None:
    words = ["--engine", "phony", "--threads", "3", "--set", "extra_us=1.5", "--device", "cpu"]
    assert main(["run", str(fake_app()), *FEW, *words]) == 0
    (found,) = newest().configurations
    assert found.options == {"threads": 3, "extra_us": 1.5, "device": "cpu"}
    assert (found.engine, found.asked) == ("fake", "phony")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "fak"], ['unknown engine "fak"', '"fake"']),
        (["--engine", "fake,fak"], ['unknown engine "fak"', '"fake"']),
        (["--engine", "fake:threads=2,extra_us=1"], ["ENGINE:key=value:extra_us=1"]),
        (["--engine", "fake,absent", "--set", "thread=2"], ['unknown key "thread"', '"threads"']),
        (["--set", "thread=2"], ['unknown key "thread"', '"threads"']),
        (["--threads", "0"], ["threads must be 1 or more"]),
        (["--data", "nowhere"], ["nowhere", "--data"]),
        (["--range", "number=0,1"], ["--range", "bare model"]),
        (["--number", "1", "--runs", "2"], ["--number"]),
        (["--affinity", "0-99999999999"], ["--affinity", "65535"]),
        (["--affinity", "0,-3"], ["--affinity", "core numbers"]),
        (["--percentile", "99.9999999"], ["--percentile", "six digits", "99.9"]),
        (["--percentile", "99.999999"], ["--percentile", "663835204 samples"]),
        (["--runs", "9" * 31], ["--runs", "at most 10000"]),
        (["--number", "9" * 31], ["--number", "at most"]),
        (["--threads", "9" * 31], ["--threads", "at most 8192"]),
        (["--engine", "fake:threads=" + "9" * 31], ["threads", "64 bits"]),
        (["--set", "extra_us=" + "[" * 5000], ["extra_us", "expected a number"]),
        (["--batch", "1000000000"], ["--batch", "at most"]),
        (["--streams", "1000000"], ["--streams", "at most 1024"]),
        (["--seed", "9" * 31], ["--seed", "at most"]),
        (["--max-time", "1e300"], ["--max-time", "at most"]),
        (["--max-time", "1e400"], ["--max-time", "seconds above 0"]),
        (["--timeout", "nan"], ["--timeout", "seconds above 0"]),
        (["--shape", "number=999999999999,9"], ["--shape", "999999999999", "memory"]),
        (["--range", "number=-1e308,1e308"], ["--range", "finite"]),
        (["--data", "a" * 300], ["name too long"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
@pytest.mark.timeout(60)
def test_wrong_words_are_answered_with_the_remedy(
    fake_app: Make, capsys: Capture, words: list[str], said: list[str]
) -> None:
    assert main(["run", str(fake_app()), *words]) == 2
    shown = capsys.readouterr()
    assert all(part in shown.err for part in said), shown.err
    assert not shown.out
    assert not saved()


@pytest.mark.parametrize("word", ["a" * 300, "a/" * 3000, "b" * 300 + "/model.onnx"], ids=["name", "path", "file"])
def test_a_path_that_no_system_takes_is_an_error_with_the_reason(capsys: Capture, word: str) -> None:
    assert main(["run", word]) == 2
    shown = capsys.readouterr().err
    assert "name too long" in shown
    assert len(shown) < 1000


def test_an_engine_that_is_not_ready_leaves_nothing_to_measure(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app()), "--engine", "absent"]) == 3
    shown = capsys.readouterr()
    assert "not installed: no_such_library" in shown.err
    assert "pip install no-such-library" in shown.err
    assert not shown.out
    assert not saved()


def test_explain_takes_the_latency_apart_on_the_screen_and_in_the_result(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app(work_us=500)), *FEW, "--explain"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^engine alone +\d", text, re.MULTILINE)
    assert "after the engine itself" in text or "no part but the engine itself" in text
    for run in newest().configurations[0].runs:
        assert run.breakdown["engine alone"] >= 500_000


LAYERS = [{"name": "stem", "type": "Conv", "ns": 30_000}, {"name": "head", "type": "Gemm", "ns": 10_000}]


def test_profile_shows_kinds_of_layers_and_verbose_the_layers(fake_app: Make, capsys: Capture) -> None:
    app = str(fake_app(work_us=500, layers=LAYERS, spans={"kernel": 40_000}))
    assert main(["run", app, *FEW, "--profile"]) == 0
    text = capsys.readouterr().out
    rows = re.findall(
        r"^(convolution|GEMM|outside of layers|inference, profiled) +[\d.]+ +([\d.]+) %", text, re.MULTILINE
    )
    assert [name for name, _ in rows] == ["convolution", "GEMM", "outside of layers", "inference, profiled"]
    assert sum(float(share) for _, share in rows[:-1]) == pytest.approx(100, abs=2)
    assert "on the device, a part of the inference: kernel 0.0400 ms" in text
    assert "stem" not in text
    assert main(["run", app, *FEW, "--profile", "-v"]) == 0
    assert re.search(r"^stem +Conv +convolution ", capsys.readouterr().out, re.MULTILINE)


def test_json_holds_all_of_a_profile(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app(layers=LAYERS)), *FEW, "--profile", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["configurations"][0]["profile"]
    assert [(layer["name"], layer["kind"], layer["ns"]) for layer in found["layers"]] == [
        ("stem", "convolution", 30_000),
        ("head", "GEMM", 10_000),
    ]
    assert found["spans_reason"] == "the engine does not tell"


def test_an_engine_without_a_profile_says_why(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app()), *FEW, "--profile"]) == 0
    assert "no profile: FakeSession has no per-layer profile" in capsys.readouterr().out


def test_an_app_that_is_nowhere_is_answered_with_the_nearest(fake_app: Make, capsys: Capture) -> None:
    folder = fake_app("numbers")
    assert main(["run", f"{folder}s"]) == 2
    error = capsys.readouterr().err
    assert f'did you mean "{folder}"?' in error
    assert main(["run", "numberz"]) == 2
    assert "lpbench apps" in capsys.readouterr().err


def test_one_bad_sample_is_reported_and_the_rest_is_measured(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app(numbers=("1", "two", "3"))), *FEW]) == 0
    text = " ".join(capsys.readouterr().out.split())  # wrapped where the path is long
    assert "left out 1.txt" in text
    assert "whole number" in text


def test_verbose_shows_what_the_vendor_printed_and_the_runs(fake_app: Make, capsys: Capture) -> None:
    assert main(["run", str(fake_app(at="run", do="crash", after=40)), "-v", "--number", "5000"]) in {0, 3}
    text = capsys.readouterr().out
    assert "crashed: SIGSEGV while" in text
    assert "Segmentation fault" in text
    assert "load ms" in text


def test_show_prints_the_same_again(fake_app: Make, capsys: Capture) -> None:
    main(["run", str(fake_app()), *FEW])
    first = capsys.readouterr().out.splitlines()
    name = saved()[0].stem
    for words in (["show"], ["show", "last"], ["show", name], ["show", str(saved()[0])]):
        assert main(words) == 0
        assert capsys.readouterr().out.splitlines() == first[:-2]
    assert main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "lpbench-result"


def test_show_and_compare_print_for_spreadsheets_issues_and_pages(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    """Nothing but the format stands on standard output; what it would ignore is refused."""
    result = str(tmp_path / "r.json")
    main(["run", str(fake_app()), *FEW, "-o", result])
    begins = {
        "--csv": ("configuration,", "first,"),
        "--markdown": ("numbers ", "**"),
        "--html": 2 * ("<!doctype html>",),
    }
    for form, (of_result, of_comparison) in begins.items():
        capsys.readouterr()
        assert main(["show", result, form]) == 0
        assert capsys.readouterr().out.startswith(of_result)
        assert main(["compare", result, result, form]) == 0
        assert capsys.readouterr().out.startswith(of_comparison)
        assert main(["show", result, form, "-v"]) == 2
        assert f"leave out --verbose or {form}" in capsys.readouterr().err
        assert main(["show", result, form, "--json"]) == 2


def test_show_without_a_result_says_how_to_get_one(capsys: Capture) -> None:
    assert main(["show"]) == 2
    assert "lpbench run" in capsys.readouterr().err
    assert main(["show", "other"]) == 2
    assert 'there is no result "other"' in capsys.readouterr().err


def test_the_published_command_line_does_the_same_job(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    """Words, files and console of D6.2 figure 8: predictions, the two lists, BENCHMARK_STATE, then the table."""
    file = tmp_path / "benchmark.json"
    app = fake_app()
    words = ["--target-config", "local", "--ai-app", str(app), "--deployment-package", "local"]
    words += ["--dataset", str(app / "samples"), "--number", "10", "--filename", str(file)]
    assert main(["benchmark-analyzer", *words]) == 0
    text = capsys.readouterr().out
    parts = ["0.txt\n  class: even", "[ 'CPU_LOAD', 'CPU_MEMORY'", "[ 'BENCHMARK_STATE', 'OK' ]", "engines/fake"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert re.search(r"^\[ '\d.*'null'.* \]$", text, re.MULTILINE)
    assert store.load(file).configurations[0].statistics["total"].n == 10
    assert "class: even" in (tmp_path / "results.txt").read_text(encoding="utf-8")


def test_both_files_of_the_analyzer_are_refused_before_measuring(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "results.txt").write_text("mine", encoding="utf-8")
    words = ["--target-config", "local", "--ai-app", str(fake_app()), "--filename", str(tmp_path / "b.json")]
    assert main(["benchmark-analyzer", *words]) == 2
    assert "results.txt: already exists" in capsys.readouterr().err
    assert not saved()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target-config", "xav_config"], ["xav_config", "remote boards"]),
        (["--target-config", "local", "--deployment-package", "nothing"], ["nothing", "local"]),
    ],
)
def test_what_the_analyzer_cannot_do_yet_is_refused(
    fake_app: Make, capsys: Capture, words: list[str], said: list[str]
) -> None:
    assert main(["benchmark-analyzer", "--ai-app", str(fake_app()), *words]) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in said)


def test_a_deployment_package_is_said_to_be_unread(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    words = ["--target-config", "local", "--deployment-package", str(tmp_path), "--number", "6"]
    assert main(["benchmark-analyzer", "--ai-app", str(fake_app()), *words]) == 0
    assert f"--deployment-package {tmp_path} is not read" in capsys.readouterr().err


def test_the_analyzers_state_says_what_went_wrong(fake_app: Make, capsys: Capture) -> None:
    app = str(fake_app(at="run", do="crash"))
    assert main(["benchmark-analyzer", "--target-config", "local", "--ai-app", app]) == 3
    assert re.search(r"\[ 'BENCHMARK_STATE', '.*SIGSEGV", capsys.readouterr().out)


@contextlib.contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start lpbench in a process group of its own, as a shell does; it is gone afterwards."""
    command = [sys.executable, "-m", "lpbench", *words]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_where_the_usual_folder_cannot_be_written_the_next_command_names_the_file(
    fake_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    app = str(fake_app())
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert main(["run", app, *FEW]) == 0
    (place,) = tmp_path.glob("lpbench-*.json")
    assert capsys.readouterr().out.splitlines()[-2:] == [f"saved {place}", f"next: lpbench show {place} -v"]


def test_ctrl_c_keeps_what_was_measured_and_says_so(fake_app: Make) -> None:
    """SIGINT to the whole process group, as a terminal sends it, once the second run is under way."""
    with running("run", str(fake_app(work_us=20_000)), "--runs", "20", "--max-time", "600") as process:
        assert process.stderr
        line = process.stderr.readline()
        assert re.match(r"fake run \d/20 · .* left", line)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith("latency ")
    assert "interrupted" in out
    assert "interrupted" not in out.splitlines(), "it is said once, with what it means"
    assert re.search(r"^saved .*\.json$", out, re.MULTILINE)
    assert "Traceback" not in err
    assert newest().state == "interrupted"
    assert newest().configurations[0].statistics["total"].n > 0


def test_ctrl_c_before_the_first_number_ends_as_clean_and_saves_nothing(fake_app: Make, tmp_path: Path) -> None:
    """An engine that hangs while loading is interrupted: nothing was measured, so nothing becomes ``last``."""
    with running("run", str(fake_app(at="load", do="hang")), "-o", str(tmp_path / "r.json")) as process:
        assert process.stderr
        assert re.match(r"fake run 1/8 · loading · \d s", process.stderr.readline())
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "not saved: interrupted before the first sample was timed" in out
    assert "Traceback" not in out + err
    assert not saved()
    assert not (tmp_path / "r.json").exists()


def test_the_percentile_asked_for_is_measured_shown_and_compared(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    """Also one that is not among the usual ones: 90.5 needs 68 samples."""
    file = str(tmp_path / "r.json")
    assert main(["run", str(fake_app(work_us=100)), "--percentile", "90.5", "--runs", "2", "-o", file]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    value = re.search(r" · p90\.5 (\S+) (µs|ms) · ", first)
    assert value, first
    metric = store.load(file).configurations[0].metrics["LATENCY_P90.5"]
    assert metric.value == pytest.approx(float(value[1]) / (1000 if value[2] == "µs" else 1), rel=0.01)
    assert main(["compare", file, file]) == 0
    assert re.search(r"^p90\.5 .* → .* ms", capsys.readouterr().out, re.MULTILINE)


def test_where_the_pictures_are_is_said(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    """Only those of this run count; of several engines each has a folder of its own."""
    app, folder = fake_app(numbers=("0", "1", "2")), tmp_path / "drawn"
    folder.mkdir()
    old = folder / "old.png"
    old.touch()
    os.utime(old, (1, 1))
    assert main(["run", str(app), *FEW, "--draw", str(folder)]) == 0
    assert f"2 pictures in {folder}\n" in capsys.readouterr().out
    assert main(["run", str(app), *FEW, "--draw", str(tmp_path / "both"), "--engine", "fake,fake:threads=2"]) == 0
    assert f"4 pictures in {tmp_path / 'both'}\n" in capsys.readouterr().out


def test_that_there_is_no_picture_is_said(fake_app: Make, tmp_path: Path, capsys: Capture) -> None:
    assert main(["run", str(fake_app(numbers=("0",))), *FEW, "--draw", str(tmp_path / "drawn"), "--json"]) == 0
    assert f"no picture in {tmp_path / 'drawn'}: " in capsys.readouterr().err


def test_pictures_where_a_file_is_are_refused_before_anything_is_measured(
    fake_app: Make, tmp_path: Path, capsys: Capture
) -> None:
    place = tmp_path / "precious"
    place.write_text("mine", encoding="utf-8")
    assert main(["run", str(fake_app(at="load", do="crash")), "--draw", str(place)]) == 2
    assert f"{place}: is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["run", "gone.fake"],
        ["run", "gone.fake", "--range", "x=0,1"],
        ["benchmark-analyzer", "--target-config", "local", "--ai-app", "gone.fake"],
        ["convert", "gone.fake", "--to", "ncnn"],
        ["agree", "gone.fake"],
        ["compare", "--live", "gone.fake", "--engine", "fake"],
        ["compare", "gone.json", "gone.json"],
        ["show", "gone.json"],
        ["validate", "gone.fake"],
        ["new-app", "new", "--class", "model", "--model", "gone.fake"],
        ["new-app", "new", "--class", "model", "--model", "model.fake", "--samples", "gone.txt"],
        ["check", "fake", "--model", "gone.fake"],
        ["check", "fake", "--model", "model.fake", "--input", "gone.npy"],
    ],
)
def test_a_file_that_is_not_there_is_said_to_be_missing_by_every_command(
    fake_app: Make, monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: list[str]
) -> None:
    """Not an unknown name with the whole catalogue as a hint: a word with a suffix can only be a path."""
    monkeypatch.chdir(fake_app())
    assert main(words) == 2
    error = capsys.readouterr().err
    assert re.search(r"^error: gone\.\w+: no such file( or folder)?\n", error, re.MULTILINE), error
    assert "known:" not in error


def test_a_mistyped_path_is_answered_with_the_one_beside_it(
    fake_app: Make, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(fake_app())
    assert main(["run", "modle.fake"]) == 2
    assert 'did you mean "model.fake"?' in capsys.readouterr().err
    assert main(["run", "elsewhere/model.fake"]) == 2
    assert "the folder" in capsys.readouterr().err


def test_a_bare_model_runs_with_synthetic_inputs(tmp_path: Path, capsys: Capture) -> None:
    """An ONNX model of one addition with an open dimension, on ONNX Runtime."""
    for needed in ("numpy", "onnxruntime", "lpbench_ort"):
        pytest.importorskip(needed, reason=f"needs {needed}")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    make = onnx.helper
    ends = [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "m"]) for name in ("x", "y")]
    graph = make.make_graph([make.make_node("Add", ["x", "x"], ["y"])], "g", ends[:1], ends[1:])
    model = tmp_path / "add.onnx"
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8), model)
    assert main(["run", str(model), "--number", "12"]) == 2
    assert "--shape 'x=" in capsys.readouterr().err
    assert main(["run", str(model), "--number", "12", "--shape", "x=2,3", "--range", "x=0,1", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "engines/onnxruntime" in text
    assert "2x3" in text


DEEP = "/".join("a" * 1200)


@pytest.mark.parametrize("home", ["none", "deep"])
def test_without_a_home_an_app_is_measured_all_the_same(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """No HOME, and a user that the system does not know, as in a container; or one that no library can look up."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if home == "none":
        monkeypatch.setattr(Path, "home", nobody)
    else:
        monkeypatch.setenv("HOME", str(tmp_path / DEEP))
    written = tmp_path / "r.json"
    assert main(["run", str(fake_app()), "--number", "12", "--runs", "1", "-o", str(written)]) == 0
    assert store.load(written).state == "OK"


@pytest.mark.parametrize(
    "words", [["run", DEEP], ["run", "{app}", "-o", f"{DEEP}/r.json"], ["new-plugin", "acme", "--dir", DEEP]]
)
def test_a_path_of_too_many_levels_is_refused(
    fake_app: Callable[..., Path], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Creating and resolving it recurses once for each level."""
    app = fake_app()
    assert main([word.format(app=app) for word in words]) == 2
    assert re.search(r"it is 120[01] folders deep; at most 256 are allowed", capsys.readouterr().err)
