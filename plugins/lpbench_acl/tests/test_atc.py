"""How ATC is found, what its failures are told as, and that no run of it outlives its limits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_acl.tests.stub_atc import FAILED, MAKES, Stub

from lpbench.plugin.converter import ConversionError
from lpbench.plugin.progress import listening
from lpbench_acl import _atc, _cann

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return Stub(tmp_path, monkeypatch)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a user without CANN."""
    for name in (*_cann.VARIABLES, "ASCEND_OPP_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def failure(stub: Stub, work: Path, body: str, subject: _atc.Subject | None = None) -> str:
    """Return the error of a run of a stub."""
    with pytest.raises(ConversionError) as caught:
        _atc.run(stub.does(body), ["--output=model"], work, subject or _atc.Subject())
    return str(caught.value)


def prints(*lines: str, status: int = 255) -> str:
    return f"print({chr(10).join((FAILED, *lines))!r}); sys.exit({status})"


def test_a_missing_program_is_named_with_its_remedy(bare: Path) -> None:
    with pytest.raises(ConversionError, match=r"atc.* not found in PATH\n.*needs no NPU.*set_env\.sh"):
        _atc.find()
    settings = bare / "Ascend" / "cann" / "set_env.sh"
    settings.parent.mkdir(parents=True)
    settings.touch()
    with pytest.raises(ConversionError, match=rf"installed in {settings.parent}.*\n.*source {settings}"):
        _atc.find()


def test_a_game_of_the_name_is_not_taken_for_the_compiler(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    game = bare / "games" / "atc"
    game.parent.mkdir()
    game.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(game.parent), prepend=":")
    with pytest.raises(ConversionError, match=f"{game} is a game"):
        _atc.find()


def test_the_program_is_found_in_a_toolkit_that_is_set_but_not_on_path(
    bare: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(stub.home / "toolkit"))
    assert _atc.find() == str(stub.program)
    assert _atc.version(_atc.find()) == "8.0.0"


def test_a_failure_is_told_by_the_tools_message_and_not_by_its_banner(stub: Stub, work: Path) -> None:
    body = prints(
        "E10016: Opname [y] specified in [--input_shape] is not found in the model.", "  Solution: Rename it."
    )
    told = failure(stub, work, body)
    assert told == "E10016: Opname [y] specified in [--input_shape] is not found in the model.\n  Rename it."


def test_advice_that_says_nothing_is_left_out(stub: Stub, work: Path) -> None:
    told = failure(stub, work, prints("E10001: Value [9] is invalid.", "  Solution: Try again with a valid argument."))
    assert "Try again" not in told


def test_a_failure_without_a_message_is_told_by_its_end(stub: Stub, work: Path) -> None:
    told = failure(stub, work, "print('reading'); print('the disk is odd'); sys.exit(3)")
    assert "exit status 3" in told
    assert "the disk is odd" in told
    assert "plog" in told
    assert "printed nothing" in failure(stub, work, "sys.exit(1)")


@pytest.mark.parametrize("body", ["os.kill(os.getpid(), 9)", "print('Killed'); sys.exit(137)"])
def test_a_killed_compiler_is_said_to_be_and_memory_is_suspected(stub: Stub, work: Path, body: str) -> None:
    """The program is a script of a shell, which ends with 128 and the number of the signal."""
    told = failure(stub, work, body)
    assert "SIGKILL" in told
    assert "TE_PARALLEL_COMPILER=1" in told


def test_a_missing_driver_library_is_told_with_the_folder_of_its_stub(stub: Stub, work: Path) -> None:
    stubs = stub.home / "toolkit" / "x86_64-linux" / "devlib"
    stubs.mkdir(parents=True)
    said = "atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file"
    told = failure(stub, work, prints(said, status=127))
    assert f"LD_LIBRARY_PATH:{stubs}" in told


def test_missing_packages_of_python_are_told_with_how_to_install_them(stub: Stub, work: Path) -> None:
    said = "EC0010: Failed to import Python module [ModuleNotFoundError: No module named 'decorator'.]."
    assert "python3 -m pip install attrs" in failure(stub, work, prints(said))


def test_operators_of_another_version_are_told_with_those_that_can_be_read(stub: Stub, work: Path) -> None:
    said = "E19010: No parser is registered for Op [div, optype [ai.onnx::23::Div]]."
    told = failure(stub, work, prints(said), _atc.Subject(opset=23))
    assert "ai.onnx 23, and ATC reads 11 to 18" in told
    assert "ATC reads" not in failure(stub, work, prints(said), _atc.Subject(opset=17))


def test_an_operator_that_an_npu_lacks_in_f32_is_told_with_the_other_precision(stub: Stub, work: Path) -> None:
    said = "EZ3003: No supported Ops kernel and engine are found for [conv1], optype [Conv2D]."
    told = failure(stub, work, prints(said), _atc.Subject(precision="F32"))
    assert "[conv1]" in told
    assert "--precision F16" in told
    assert "--precision" not in failure(stub, work, prints(said), _atc.Subject(precision="F16"))


def test_an_unknown_npu_is_told_with_how_to_find_its_name(stub: Stub, work: Path) -> None:
    said = "E10001: Value [Ascend311] for parameter [soc_version] is invalid."
    assert "npu-smi info" in failure(stub, work, prints(said))
    assert "npu-smi info" in failure(stub, work, prints("E19999: Inner Error!"))


def test_garbage_is_told_without_what_could_act_on_a_terminal(stub: Stub, work: Path) -> None:
    told = failure(stub, work, "sys.stdout.buffer.write(bytes(range(256)) * 3000 + b'\\x1b[2Jend\\n'); sys.exit(2)")
    assert all(part.isprintable() for part in told.splitlines())
    assert len(told) < 3000


def test_a_run_that_prints_without_end_is_ended(stub: Stub, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_atc, "LIMIT", 1 << 20)
    assert "lastly" not in failure(stub, work, "while True: print('.', end='')")
    told = failure(stub, work, "while True: print('again and again', flush=True)")
    assert "printed more than 1 MB" in told
    assert "again and again" in told
    with pytest.raises(ProcessLookupError):
        os.kill(stub.pid, 0)


def test_what_it_prints_is_told_while_it_runs_and_dots_are_not(stub: Stub, work: Path) -> None:
    """Dots come from a clock: a compiler that hangs prints them too, and would never be found to hang."""
    heard: list[str] = []
    body = (
        "print('..', end='', flush=True); time.sleep(0.5); print('.', flush=True); "
        f"print('calibrating layer 3', flush=True); time.sleep(1); {MAKES}"
    )
    with listening(lambda activity: heard.append(str(activity))):
        _atc.run(stub.does(body), ["--output=model"], work, _atc.Subject())
    assert heard == ["atc is running", "atc: calibrating layer 3"]


def test_a_line_that_comes_in_parts_is_told_as_one(stub: Stub, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And stands where the output of a converter is kept, its dots and banners left out."""
    body = f"print('calibrating ', end='', flush=True); time.sleep(1); print('layer 3', flush=True); {MAKES}"
    _atc.run(stub.does(body), ["--output=model"], work, _atc.Subject())
    assert capsys.readouterr().out == "calibrating layer 3\n"


def test_the_whole_output_of_a_failure_is_kept_for_debugging(stub: Stub, work: Path) -> None:
    body = prints("E10001: no", "[ERROR] GE(7): the inner reason")
    with pytest.raises(ConversionError) as caught:
        _atc.run(stub.does(body), [], work, _atc.Subject())
    assert "the inner reason" not in caught.value.what
    assert "the inner reason" in str(caught.value.__cause__)


def test_messages_of_a_failure_are_in_the_error_and_no_progress(stub: Stub, work: Path) -> None:
    heard: list[str] = []
    with listening(lambda activity: heard.append(str(activity))):
        assert "E10001: no" in failure(stub, work, prints("E10001: no"))
    assert heard == ["atc is running"]


def test_a_program_that_cannot_start_is_an_error_with_its_path(stub: Stub, work: Path) -> None:
    stub.program.write_bytes(b"\x7fELF is not what this is")
    with pytest.raises(ConversionError, match="atc"):
        _atc.run(str(stub.program), [], work, _atc.Subject())
