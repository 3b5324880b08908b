"""TFLite files: quantisation and layouts as the file states them, and files that OpenVINO would read wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

write = pytest.importorskip("lpbench_tflite._write", reason="needs lpbench-tflite, which writes the models")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

ONES = np.ones((1, 4), np.float32)
NONE = {0: write.Number("b", 0)}


@pytest.fixture
def save(models: Models) -> Callable[..., Path]:
    def save(network: Any, inputs: list[int], outputs: list[int]) -> Path:
        path = models.folder / "model.tflite"
        path.write_bytes(network.save(inputs, outputs))
        return path

    return save


def add(network: Any, first: int, second: int, name: str) -> int:
    """Add two tensors and return the sum's index."""
    total: int = network.tensor(name, (1, 4))
    network.operator(write.ADD, [first, second], [total], NONE)
    return total


def sums(names: str = "a b s t") -> tuple[Any, list[int], list[int]]:
    """Return a network of two inputs a and b, and two outputs s = a + b and t = s + b."""
    network, (one, two, *totals) = write.Network(), names.split()
    a, b = (network.tensor(name, (1, 4)) for name in (one, two))
    s = add(network, a, b, totals[0])
    return network, [a, b], [s, add(network, s, b, totals[1])]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 255, 0), (0.0187, 114), (1.5, 3), (1e-6, 127)])
def test_the_quantisation_is_that_of_the_file(
    save: Callable[..., Path], open_session: Opener, dtype: str, scale: float, zero_point: int
) -> None:
    """OpenVINO itself takes and gives the integers, without their scale."""
    network = write.Network()
    x = network.tensor("x", (1, 2, 2, 3), dtype, quantised=(scale, zero_point))
    y = network.tensor("y", (1, 2, 2, 3), dtype, quantised=(2 * scale, zero_point))
    network.operator(write.ADD, [x, x], [y], NONE)
    session = open_session(save(network, [x], [y]))
    found = [(info.dtype, info.layout, info.scale, info.zero_point) for info in (*session.inputs, *session.outputs)]
    exact = float(np.float32(scale)), float(np.float32(2 * scale))
    assert found == [(dtype, "NHWC", own, zero_point) for own in exact]
    data = np.arange(12, dtype=dtype).reshape(1, 2, 2, 3)
    assert np.array_equal(session.run({"x": data})["y"], data)  # twice the value in steps of twice the size


@pytest.mark.parametrize("names", ["a a s t", "a b s s", "a b a t"])
def test_tensors_of_one_name_are_refused(save: Callable[..., Path], open_session: Opener, names: str) -> None:
    """OpenVINO would make one input of two, lose an output, or compute with another tensor."""
    network, inputs, outputs = sums(names)
    name = next(name for name in names.split() if names.split().count(name) > 1)
    assert f'several tensors are called "{name}"' in open_session.refused(save(network, inputs, outputs))


def test_constants_of_one_name_are_refused(save: Callable[..., Path], open_session: Opener) -> None:
    """OpenVINO 2026.4 computes with the same weights twice, without a word."""
    network = write.Network()
    x = network.tensor("x", (1, 4))
    first, second = (network.tensor("w", (1, 4), data=value * ONES) for value in (10, 100))
    total = add(network, add(network, x, first, "inner"), second, "total")
    assert 'several tensors are called "w"' in open_session.refused(save(network, [x], [total]))


def test_an_output_that_is_listed_twice_is_one(save: Callable[..., Path], open_session: Opener) -> None:
    network, inputs, (s, _) = sums()
    session = open_session(save(network, inputs, [s, s]))
    assert [info.name for info in session.outputs] == ["s"]
    assert session.run({"a": ONES, "b": ONES})["s"].tolist() == [[2] * 4]


def two_signatures() -> tuple[Any, list[int], list[int]]:
    """Return a network of two graphs: a + b for "first", and 2 a + b for "second"."""
    network = write.Network()
    a, b = (network.tensor(name, (1, 4)) for name in ("a", "b"))
    total = add(network, a, b, "total")
    network.close_graph([a, b], [total])
    network.signature("first", {"x": a, "y": b}, {"z": total})
    c, d = (network.tensor(name, (1, 4)) for name in ("c", "d"))
    end = add(network, c, add(network, c, d, "inner"), "end")
    network.signature("second", {"x": c, "y": d}, {"z": end}, graph=1)
    return network, [c, d], [end]


def test_of_several_signatures_the_first_graphs_runs_if_it_is_asked_for(
    save: Callable[..., Path], open_session: Opener
) -> None:
    path = save(*two_signatures())
    assert 'the model has 2 signatures: "first", "second"' in open_session.refused(path)
    assert 'signature "second" is graph 2 of the file; OpenVINO runs the first graph' in open_session.refused(
        path, signature="second"
    )
    session = open_session(path, signature="first")
    assert session.run({"a": ONES, "b": ONES})["total"].tolist() == [[2] * 4]


def test_a_signature_of_fewer_outputs_is_refused(save: Callable[..., Path], open_session: Opener) -> None:
    network, inputs, (s, t) = sums()
    network.signature("part", {"x": inputs[0], "y": inputs[1]}, {"z": s})
    path = save(network, inputs, [s, t])
    assert "is a part of the outputs" in open_session.refused(path, signature="part")
    assert [info.name for info in open_session(path).outputs] == ["s", "t"]


def test_other_formats_have_no_signatures(models: Models, open_session: Opener) -> None:
    assert "only TFLite files have signatures" in open_session.refused(models.convolution(), signature="first")


def test_a_damaged_file_is_refused_before_openvino_reads_it(save: Callable[..., Path], open_session: Opener) -> None:
    path = save(*sums())
    path.write_bytes(path.read_bytes()[:-40])
    assert "is damaged or truncated" in open_session.refused(path)


def test_an_unknown_rank_needs_a_shape(save: Callable[..., Path], open_session: Opener) -> None:
    """OpenVINO reports it as a scalar, and runs it as one."""
    network = write.Network()
    a, b, total = (network.tensor(name, None) for name in ("a", "b", "total"))
    network.operator(write.ADD, [a, b], [total], NONE)
    path = save(network, [a, b], [total])
    assert 'input "a" has an unknown rank' in open_session.refused(path)
    session = open_session(path, {"a": (1, 4), "b": (1, 4)})
    assert session.run({"a": ONES, "b": ONES})["total"].tolist() == [[2] * 4]
