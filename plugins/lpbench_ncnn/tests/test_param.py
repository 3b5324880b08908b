"""Reading .param files: what ncnn would crash on is an error that names the line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.engine import EngineError
from lpbench_ncnn import _param

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """7767517
3 3
Input            in0   0 1 in0 0=8 1=8 2=3
Convolution      conv  1 1 in0 c 0=4 1=3 9=2 -23310=1,1.0e-01 -23401=name
Pooling          pool  1 1 c out0 0=1 4=1
"""


def parsed(text: str) -> _param.Graph:
    return _param.parse(text)


def test_a_network_is_read_with_its_parameters() -> None:
    graph = parsed(GOOD)
    assert [layer.type for layer in graph.layers] == ["Input", "Convolution", "Pooling"]
    assert graph.inputs[0].tops == ("in0",)
    assert graph.outputs == ("out0",)
    convolution = graph.layers[1]
    assert convolution.integer(0) == 4
    assert convolution.params[10] == (0.1,)
    assert convolution.params[1] == "name"
    assert convolution.line == 4


def test_blank_lines_and_other_line_ends_do_not_matter() -> None:
    assert len(parsed(GOOD.replace("\n", "\r\n").replace("Pooling", "\r\nPooling")).layers) == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("7767517", "7767518", 1, 'begins with "7767518" instead of 7767517'),
        (GOOD, "7767517\n", 2, "numbers of layers and blobs are missing"),
        ("3 3", "3", 2, "numbers of layers and blobs are missing"),
        ("3 3", "3 x", 2, 'found "x"; expected a number'),
        ("3 3", "3 2", 2, "the network has 3 blobs; this line announces 2"),
        ("3 3", "4 3", 5, "the file ends after 3 layers; line 2 announces 4"),
        ("3 3", "2 3", 5, "the file ends after 3 layers; line 2 announces 2"),
        ("1 1 c out0", "1 -1 c out0", 5, 'found "-1"; expected a number'),
        ("1 1 c out0", "2 1 c out0", 5, 'layer "pool" names fewer than 2 inputs and 1 outputs'),
        ("1 1 c out0", "1 1 d out0", 5, 'layer "pool" reads "d", which no earlier layer produces'),
        ("1 1 c out0", "1 1 c in0", 5, 'layer "pool" produces "in0", which already exists'),
        ("9=2", "9=", 4, '"9=" is not a parameter'),
        ("9=2", "9", 4, '"9" is not a parameter'),
        ("9=2", "9=1e999", 4, '"9=1e999" is not a parameter'),
        ("9=2", "-23309=1,1e999", 4, "is not a parameter"),
        ("3 3", f"3 {'9' * 5000}", 2, "expected a number"),
        ("0 1 in0 0=8", "0 2 in0 in1 0=8", 3, 'layer "in0" is an input with 2 outputs; expected one'),
        ("0 1 in0 0=8", "0 0 0=8", 3, 'layer "in0" is an input with 0 outputs; expected one'),
        ("9=2", "9=2" * 30_000, 4, "is not a parameter"),
        ("9=2", "99=2", 4, '"99=2" is not a parameter'),
        ("9=2", "-9=2", 4, '"-9=2" is not a parameter'),
        ("9=2", "9=2147483648", 4, '"9=2147483648" is not a parameter'),
        ("-23310=1,", "-23310=2,", 4, '"-23310=2,1.0e-01" is not a parameter'),
        ("-23310=1,1.0e-01", "-23310=", 4, '"-23310=" is not a parameter'),
        ("Pooling          pool  1 1 c out0 0=1 4=1", "Pooling", 5, '"Pooling" is not a layer'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_damage_names_the_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    path = tmp_path / "m.param"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(EngineError) as caught:
        _param.read(path)
    assert words in caught.value.what
    assert len(caught.value.what) < 300
    assert caught.value.where == f"{path}:{line}"


@given(st.data())
def test_any_damage_is_said_in_words(data: st.DataObject) -> None:
    """Characters replaced at random: a network comes out, or an error of ours."""
    text = list(GOOD)
    for at in data.draw(st.lists(st.integers(0, len(text) - 1), max_size=4)):
        text[at] = data.draw(st.sampled_from("019 -=,.\nae\0é"))
    with contextlib.suppress(_param._LineError):
        parsed("".join(text))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "is empty"),
        (b"\x08\x0a\x12\x07pytorch" + b"\0" * 99, "is an ONNX model"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 99, "is a TFLite model"),
        (b"\x1c\0\0\0ORTM" + b"\0" * 99, "is an ONNX model"),
        (b"PK\x03\x04" + b"\0" * 99, "is a zip archive"),
        (b"<?xml version='1.0'?>", "is XML, possibly of OpenVINO"),
        (b"\xdd\x85\x76\x00" + b"\0" * 99, "is a binary .param.bin"),
        (b"ptrt" + b"\0" * 99, "is a TensorRT engine"),
        (b"\x89HDF\r\n" + b"\0" * 99, "is an HDF5 file"),
        (b"\xff\xfe" * 50, "is not a .param file: it is not text"),
        (b"hello, this is not a model\n" * 9, 'begins with "hello, this is not a model" instead of'),
    ],
)
def test_other_formats_are_named(tmp_path: Path, head: bytes, words: str) -> None:
    """Models of other engines under a .param's name: the error says what they are and what to do."""
    path = tmp_path / "m.param"
    path.write_bytes(head)
    with pytest.raises(EngineError) as caught:
        _param.read(path)
    assert words in caught.value.what
    assert caught.value.hint


def described(layer: str, inputs: int, settings: str = "") -> str:
    """Return a network with one layer that is given so many inputs."""
    names = [f"in{at}" for at in range(inputs)]
    lines = [*(f"Input {name} 0 1 {name}" for name in names), f"{layer} l {inputs} 1 {' '.join(names)} out0 {settings}"]
    return "\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines, ""])


@pytest.mark.parametrize(
    ("layer", "settings", "needed"),
    [
        *((layer, "", 2) for layer in ("CopyTo", "DeformableConv2D", "Eltwise", "GridSample", "MatMul")),
        *((layer, "", 2) for layer in ("PSROIPooling", "ROIAlign", "ROIPooling")),
        *((layer, "", 3) for layer in ("DetectionOutput", "Proposal", "RotaryEmbed", "SDPA")),
        ("BinaryOp", "0=2", 2),
        ("Crop", "0=1 1=1 2=0", 2),
        ("Scale", "0=-233", 2),
        *((layer, "19=1", 2) for layer in ("Convolution", "Convolution1D", "ConvolutionDepthWise")),
        *((layer, "28=1", 2) for layer in ("Deconvolution", "DeconvolutionDepthWise")),
    ],
)
def test_a_layer_with_fewer_inputs_than_it_reads_is_refused(layer: str, settings: str, needed: int) -> None:
    """With each of them one input short, ncnn 1.0.20261020 ended the process."""
    with pytest.raises(_param._LineError, match=f"reads {needed} inputs, and has {needed - 1}") as caught:
        _param.parse(described(layer, needed - 1, settings))
    assert caught.value.line == needed + 2
    assert len(_param.parse(described(layer, needed, settings)).layers) == needed + 1


@pytest.mark.parametrize(
    "given",
    [
        ("BinaryOp", "0=0 1=1 2=3.0"),
        ("Concat", "0=0"),
        ("Convolution", "0=4 1=1 6=16"),
        ("Crop", "3=2 4=2 5=1"),
        ("Crop", "0=1 3=-233 4=-233 5=-233"),
        ("Crop", "-23309=1,1 -23310=1,2 -23311=1,0"),
        ("Interp", "0=1 6=1"),
        ("Scale", "0=3"),
    ],
)
def test_what_ncnn_computes_from_one_input_is_not_refused(given: tuple[str, str]) -> None:
    layer, settings = given
    assert len(_param.parse(described(layer, 1, settings)).layers) == 2
