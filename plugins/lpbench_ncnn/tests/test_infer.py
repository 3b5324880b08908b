"""Sizes followed through a network: they are ncnn's own, and what does not fit is refused before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ncnn
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lpbench.plugin.engine import EngineError
from lpbench_ncnn import _infer, _param

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Shape = tuple[int, ...]


def graph(layers: Sequence[str]) -> _param.Graph:
    blobs = sum(int(line.split()[3]) for line in layers)
    return _param.parse("\n".join(["7767517", f"{len(layers)} {blobs}", *layers, ""]))


def by_ncnn(layers: Sequence[str], inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return each blob's shape once ncnn has run the layers, with weights of zero."""
    blobs = sum(int(line.split()[3]) for line in layers)
    net = ncnn.Net()
    assert net.load_param_mem("\n".join(["7767517", f"{len(layers)} {blobs}", *layers, ""])) == 0
    assert net.load_model(ncnn.DataReaderFromEmpty()) == 0
    extractor = net.create_extractor()
    extractor.set_light_mode(False)
    for name, shape in inputs.items():
        mat = ncnn.Mat(shape[::-1])
        mat.numpy()[...] = 0
        extractor.input(name, mat)
    found = {}
    for blob in net.blobs():
        code, mat = extractor.extract(blob.name)
        assert code == 0
        found[blob.name] = tuple(np.asarray(mat.numpy()).shape)
    del extractor
    return found


def agree(layers: Sequence[str], inputs: Mapping[str, Shape]) -> None:
    """Compare our sizes with ncnn's, wherever we claim to know."""
    ours = _infer.shapes(graph(layers), inputs)
    assert all(shape is not None for shape in ours.values())
    assert ours == by_ncnn(layers, inputs)


small = st.integers(1, 3)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@quick
@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    """Kernel, dilation, stride and padding at random, plain and by groups."""
    draw = data.draw
    kw, kh, dw, dh, sw, sh, outputs = (draw(small) for _ in range(7))
    group = draw(st.sampled_from([1, 2]))
    left, right, top, bottom = (draw(st.integers(0, 2)) for _ in range(4))
    same = draw(st.sampled_from([None, -233, -234]))
    if same:
        assume(dw * (kw - 1) >= sw - 1)  # else ncnn pads by a negative number and writes outside
        assume(dh * (kh - 1) >= sh - 1)
        left = right = top = bottom = same
    height, width = draw(st.integers(7, 12)), draw(st.integers(7, 12))
    kind = "ConvolutionDepthWise" if group > 1 else "Convolution"
    weights = 4 // group * outputs * group * kw * kh
    line = f"{kind} l 1 1 in0 out0 0={outputs * group} 1={kw} 11={kh} 2={dw} 12={dh} 3={sw} 13={sh} 4={left} 15={right}"
    line += f" 14={top} 16={bottom} 6={weights} 7={group}"
    agree(["Input in0 0 1 in0", line], {"in0": (4, height, width)})


@quick
@given(st.data())
def test_deconvolutions(data: st.DataObject) -> None:
    draw = data.draw
    kw, kh, dw, dh, sw, sh, outputs = (draw(small) for _ in range(7))
    left, right, top, bottom = (draw(st.integers(0, 1)) for _ in range(4))
    more_w, more_h = draw(st.integers(0, sw - 1)), draw(st.integers(0, sh - 1))
    line = f"Deconvolution l 1 1 in0 out0 0={outputs} 1={kw} 11={kh} 2={dw} 12={dh} 3={sw} 13={sh} 4={left} 15={right}"
    line += f" 14={top} 16={bottom} 18={more_w} 19={more_h} 6={4 * outputs * kw * kh}"
    agree(["Input in0 0 1 in0", line], {"in0": (4, draw(st.integers(4, 6)), draw(st.integers(4, 6)))})


@quick
@given(st.data())
def test_poolings(data: st.DataObject) -> None:
    """Maximum and average, with the rest of a row taken along, left, or the size kept; global and adaptive."""
    draw = data.draw
    kw, kh, sw, sh = (draw(small) for _ in range(4))
    left, right, top, bottom = (draw(st.integers(0, 1)) for _ in range(4))
    kind, mode = draw(st.sampled_from([0, 1])), draw(st.sampled_from([0, 1, 2, 3]))
    line = f"Pooling l 1 1 in0 out0 0={kind} 1={kw} 11={kh} 2={sw} 12={sh} 3={left} 14={right} 13={top} 15={bottom}"
    line += f" 5={mode} {draw(st.sampled_from(['', '4=1', '7=1 8=3 18=2', '7=1 8=-233 18=2']))}"
    assume(mode < 2 or (kw >= sw and kh >= sh))  # as above
    agree(["Input in0 0 1 in0", line], {"in0": (4, draw(st.integers(6, 12)), draw(st.integers(6, 12)))})


@quick
@given(st.data())
def test_convolutions_of_one_dimension(data: st.DataObject) -> None:
    draw = data.draw
    kernel, dilation, stride, outputs = (draw(small) for _ in range(4))
    left, right = (draw(st.integers(0, 2)) for _ in range(2))
    line = f"Convolution1D l 1 1 in0 out0 0={outputs} 1={kernel} 2={dilation} 3={stride} 4={left} 15={right}"
    agree(["Input in0 0 1 in0", f"{line} 6={4 * outputs * kernel}"], {"in0": (4, draw(st.integers(7, 12)))})


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("InnerProduct l 1 1 in0 out0 0=5 2=300", (60,)),
        ("InnerProduct l 1 1 in0 out0 0=5 2=300", (3, 4, 5)),
        ("InnerProduct l 1 1 in0 out0 0=5 2=300", (2, 60)),
        ("InnerProduct l 1 1 in0 out0 0=5 2=300", (6, 10)),
        ("Convolution l 1 1 in0 out0 0=5 1=1 6=300", (60,)),
        ("Flatten l 1 1 in0 out0", (3, 4, 5)),
        ("Reshape l 1 1 in0 out0 0=-1", (3, 4, 5)),
        ("Reshape l 1 1 in0 out0 0=10 1=-1", (3, 4, 5)),
        ("Reshape l 1 1 in0 out0 0=2 1=3 2=-1", (3, 4, 5)),
        ("Reshape l 1 1 in0 out0 0=2 1=3 11=5 2=2", (3, 4, 5)),
        ("Softmax l 1 1 in0 out0 0=0 1=1", (3, 4, 5)),
        ("BatchNorm l 1 1 in0 out0 0=3", (3, 4, 5)),
        ("Scale l 1 1 in0 out0 0=3", (3, 4, 5)),
        ("BinaryOp l 1 1 in0 out0 0=2 1=1 2=2.0", (3, 4, 5)),
        ("ShuffleChannel l 1 1 in0 out0 0=2", (4, 5, 6)),
        ("LRN l 1 1 in0 out0", (3, 4, 5)),
        ("Dropout l 1 1 in0 out0", (7,)),
    ],
)
def test_other_layers(layer: str, shape: Shape) -> None:
    agree(["Input in0 0 1 in0", layer], {"in0": shape})


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_joining_and_cutting(axis: int) -> None:
    layers = [
        "Input a 0 1 a",
        "Input b 0 1 b",
        f"Concat join 2 1 a b ab 0={axis}",
        f"Slice cut 1 3 ab x y z -23300=3,2,-233,-233 1={axis}",
    ]
    agree(layers, {"a": (4, 4, 4), "b": tuple(4 if at != axis % 3 else 3 for at in range(3))})


@pytest.mark.parametrize(("a", "b"), [((3, 4, 5), (3, 4, 5)), ((3, 4, 5), (3, 1, 1)), ((1, 4, 5), (3, 4, 5))])
def test_adding(a: Shape, b: Shape) -> None:
    agree(["Input a 0 1 a", "Input b 0 1 b", "BinaryOp add 2 1 a b out0"], {"a": a, "b": b})


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        ("Convolution l 1 1 in0 out0 0=5 1=3 6=135", (4, 9, 9), "would receive 4x9x9; its weights are for 3 channels"),
        ("Convolution l 1 1 in0 out0 0=5 1=3 6=135", (9, 9), "it expects 3 dimensions"),
        ("Convolution l 1 1 in0 out0 0=5 1=3 6=135", (3, 2, 9), "its kernel is larger than that"),
        ("Convolution l 1 1 in0 out0 0=5 1=3 6=136", (3, 9, 9), "is not a multiple of"),
        ("Convolution l 1 1 in0 out0 0=0 1=3 6=135", (3, 9, 9), "is not a multiple of"),
        ("ConvolutionDepthWise l 1 1 in0 out0 0=4 1=3 6=36 7=4", (5, 9, 9), "its weights are for 4 channels"),
        ("Convolution1D l 1 1 in0 out0 0=5 1=3 6=60", (3, 9), "of 4 channels"),
        ("Deconvolution l 1 1 in0 out0 0=5 1=3 6=135", (4, 9, 9), "its weights are for 3 channels"),
        ("InnerProduct l 1 1 in0 out0 0=5 2=300", (61,), "would receive 61; its weights are for 60 values"),
        ("InnerProduct l 1 1 in0 out0 0=5 2=301", (60,), "is not a multiple of"),
        ("Pooling l 1 1 in0 out0 1=5 5=1", (3, 4, 4), "its kernel is larger than that"),
        ("Pooling l 1 1 in0 out0 4=1", (4, 4), "it expects 3 dimensions"),
        ("BatchNorm l 1 1 in0 out0 0=4", (3, 4, 4), "its weights are for 4 channels"),
        ("Reshape l 1 1 in0 out0 0=7 1=-1", (3, 4, 4), "it reshapes to ?x7"),
        ("Slice l 1 2 in0 out0 out1 -23300=2,2,2 1=0", (3, 4, 4), "it slices 2+2 out of dimension 0"),
    ],
)
def test_what_ncnn_would_run_with_the_wrong_size_is_refused(layer: str, shape: Shape, words: str) -> None:
    """All of these ncnn answers with something, or with a crash: here they are errors that name the layer."""
    with pytest.raises(EngineError) as caught:
        _infer.shapes(graph(["Input in0 0 1 in0", layer]), {"in0": shape})
    assert words in caught.value.what
    assert 'layer "l"' in caught.value.what


def test_joining_what_does_not_fit_is_refused() -> None:
    layers = ["Input a 0 1 a", "Input b 0 1 b", "Concat join 2 1 a b ab 0=0"]
    with pytest.raises(EngineError, match=r'layer "join" .* concatenates that with 3x4x5 along dimension 0'):
        _infer.shapes(graph(layers), {"a": (3, 4, 5), "b": (3, 4, 6)})


def test_what_is_not_known_is_not_checked() -> None:
    """After a layer without a rule nothing is claimed."""
    layers = ["Input in0 0 1 in0", "Permute l 1 1 in0 p 0=1", "InnerProduct f 1 1 p out0 0=5 2=300"]
    assert _infer.shapes(graph(layers), {"in0": (3, 4, 5)}) == {"in0": (3, 4, 5), "p": None, "out0": None}
