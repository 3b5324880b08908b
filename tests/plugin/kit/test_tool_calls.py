"""Tools in environments of their own: their words reach the user, and samples reach them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lpbench.errors import ConversionError
from lpbench.plugin.kit import tool_calls
from lpbench.plugin.kit.tool_calls import ToolCall

np = pytest.importorskip("numpy", reason="needs numpy")


def program(folder: Path, text: str) -> Path:
    """Write a program in place of a tool's Python."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    script.chmod(0o755)
    return script


def call(folder: Path) -> ToolCall:
    return ToolCall("tool", folder / "m.onnx", folder)


def test_the_answer_is_what_the_tool_wrote(tmp_path: Path) -> None:
    made = program(tmp_path, 'cp "$3" "$4"')  # -I, the script, the request and the answer
    assert call(tmp_path).answer(made, "script.py", {"samples": [1]}) == {"samples": [1]}


def test_what_a_tool_cannot_do_is_said_with_its_words(tmp_path: Path) -> None:
    """The tool's answer is an error: it becomes one of ours, with its log for --debug."""
    answer = json.dumps({"error": "no way", "hint": "try another"})
    made = program(tmp_path, f"echo a log\necho '{answer}' > \"$4\"\nexit 1")
    with pytest.raises(ConversionError, match=r"m\.onnx: no way\n  try another") as caught:
        call(tmp_path).answer(made, "script.py", {})
    assert "a log" in str(caught.value.__cause__)


def test_a_crash_is_said_to_be_one(tmp_path: Path) -> None:
    made = program(tmp_path, "echo last words\nkill -SEGV $$")
    with pytest.raises(ConversionError, match="tool crashed: SIGSEGV; the last line it printed: last words"):
        call(tmp_path).answer(made, "script.py", {})


def test_samples_are_written_one_file_for_each_array_whatever_its_name(tmp_path: Path) -> None:
    feeds = [{"a/b": np.full(3, at), "../c": np.full(2, at)} for at in range(2)]
    files = tool_calls.written(iter(feeds), tmp_path / "samples")
    assert [{name: np.load(file).tolist() for name, file in each.items()} for each in files] == [
        {name: values.tolist() for name, values in each.items()} for each in feeds
    ]
    assert {Path(file).parent for each in files for file in each.values()} == {tmp_path / "samples"}


def test_without_samples_there_is_nothing_to_take_ranges_from(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no samples to take ranges from"):
        tool_calls.written([], tmp_path / "samples")
