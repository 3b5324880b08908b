"""Names that a file repeats or leaves out, and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.errors import ArgumentError
from lpbench.jobs.agreement import agree
from lpbench.jobs.new_app import new_app
from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import tflite_file
from lpbench_tflite._write import ADD, NONE, Network, Number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugins.lpbench_tflite.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

ONES = np.ones((1, 4), np.float32)


def add(network: Network, first: int, second: int, name: str, shape: Sequence[int] = (1, 4)) -> int:
    """Add two tensors and return the sum's index."""
    total = network.tensor(name, shape)
    network.operator(ADD, [first, second], [total], {0: Number("b", NONE)})
    return total


def sums(models: Models, names: Sequence[str]) -> Path:
    """Save s = a + b and t = s + b, with these names of a, b, s and t."""
    network = Network()
    a, b = (network.tensor(name, (1, 4)) for name in names[:2])
    s = add(network, a, b, names[2])
    return models.save(network, [a, b], [s, add(network, s, b, names[3])])


def not_utf8(path: Path, name: str) -> Path:
    """Change the last byte of a name in a file to one that no UTF-8 text has."""
    content = path.read_bytes()
    assert name.encode() in content
    path.write_bytes(content.replace(name.encode(), name.encode()[:-1] + b"\xff"))
    return path


@pytest.mark.parametrize("at", [0, 3])
def test_an_input_or_output_whose_name_is_not_utf8_is_an_error_that_names_the_file(
    models: Models, open_session: Opener, at: int
) -> None:
    names = ["a", "b", "s", "t"]
    names[at] = "strange"
    path = not_utf8(sums(models, names), "strange")
    with pytest.raises(EngineError, match="name in it is not UTF-8") as refusal:
        open_session(path)
    assert str(path) in str(refusal.value)


def test_an_inner_name_that_is_not_utf8_costs_the_count_of_operators_only(models: Models, open_session: Opener) -> None:
    network = Network()
    a, b = (network.tensor(name, (1, 4)) for name in "ab")
    path = models.save(network, [a, b], [add(network, add(network, a, b, "strange"), b, "t")])
    assert "nodes" in open_session(path).describe()
    session = open_session(not_utf8(path, "strange"))
    assert session.run({"a": ONES, "b": 10 * ONES})["t"][0, 0] == 21
    assert "nodes" not in session.describe()


@pytest.mark.parametrize(
    ("names", "inputs", "outputs"),
    [
        (("a", "b", "s", "s"), ["a", "b"], ["s", "s_2"]),
        (("a", "a", "s", "t"), ["a", "a_2"], ["s", "t"]),
        (("a", "a", "a", "a"), ["a", "a_2"], ["a", "a_2"]),
        (("", "", "", ""), ["input", "input_2"], ["output", "output_2"]),
        (("", "input", "t_2", "t"), ["input", "input_2"], ["t_2", "t"]),
    ],
)
def test_every_tensor_has_a_name_of_its_own(
    models: Models, open_session: Opener, names: Sequence[str], inputs: list[str], outputs: list[str]
) -> None:
    """Each input takes its own array, and each output is returned: a + b and a + 2 b."""
    session = open_session(sums(models, names))
    assert [info.name for info in session.inputs] == inputs
    found = session.run(dict(zip(inputs, (ONES, 10 * ONES), strict=True)))
    assert [found[name][0, 0] for name in outputs] == [11, 21]
    assert [info.name for info in session.outputs] == list(found) == outputs


@pytest.mark.parametrize("names", [["x", "x", "x_2"], ["", "x", ""], ["x", "x_2", "x", "x"]])
def test_names_that_are_not_repeated_are_kept(names: list[str]) -> None:
    found = tflite_file.distinct(names, "x")
    assert len(set(found)) == len(names)
    assert "" not in found
    assert {name for name in names if name} <= set(found)


def test_a_repeated_name_can_be_given_a_shape(models: Models, open_session: Opener) -> None:
    network = Network()
    a, b = (network.tensor("a", (-1, 4)) for _ in range(2))
    path = models.save(network, [a, b], [add(network, a, b, "t", (-1, 4))])
    session = open_session(path, {"a": (3, 4), "a_2": (3, 4)})
    assert [info.shape for info in (*session.inputs, *session.outputs)] == [(3, 4)] * 3
    with pytest.raises(EngineError, match='input "a_2" is missing'):
        session.run({"a": np.ones((3, 4), np.float32)})


def test_an_output_that_is_listed_twice_is_one(models: Models, open_session: Opener) -> None:
    """OpenVINO does the same, so both engines have the same outputs."""
    network = Network()
    a, b = (network.tensor(name, (1, 4)) for name in ("a", "b"))
    s = add(network, a, b, "s")
    session = open_session(models.save(network, [a, b], [s, s]))
    assert {name: array[0, 0] for name, array in session.run({"a": ONES, "b": ONES}).items()} == {"s": 2}


def two_signatures(models: Models, shape: Sequence[int] = (1, 4)) -> Path:
    """Save a + b for "first", and 2 p + q for "second", in a graph of its own."""
    network = Network()
    a, b = (network.tensor(name, shape) for name in ("a", "b"))
    total = add(network, a, b, "total", shape)
    network.close_graph([a, b], [total])
    p, q = (network.tensor(name, shape) for name in ("p", "q"))
    end = add(network, p, add(network, p, q, "inner", shape), "end", shape)
    network.signature("first", {"x": a, "y": b}, {"z": total})
    network.signature("second", {"y": q, "x": p}, {"z": end}, graph=1)
    return models.save(network, [p, q], [end])


def test_of_several_signatures_one_must_be_chosen(models: Models, open_session: Opener) -> None:
    found = open_session.refused(two_signatures(models))
    assert 'the model has 2 signatures: "first", "second"' in found
    assert "signature=first" in found


def test_a_signature_that_is_not_there_is_refused(models: Models, open_session: Opener) -> None:
    found = open_session.refused(two_signatures(models), signature="secnd")
    assert 'no signature "secnd"; it has "first", "second"\n  did you mean "second"?' in found
    assert 'no signature "first"; it has none' in open_session.refused(models.add(), signature="first")


@pytest.mark.parametrize(
    ("signature", "ends", "value"), [("first", ("a", "b", "total"), 11), ("second", ("q", "p", "end"), 21)]
)
def test_the_signature_that_is_asked_for_runs(
    models: Models, open_session: Opener, signature: str, ends: tuple[str, ...], value: float
) -> None:
    """A run with the names of its graph's tensors, and errors as for any other model."""
    session = open_session(two_signatures(models), signature=signature)
    assert [info.name for info in (*session.inputs, *session.outputs)] == [*ends]
    small, large, output = ends
    feeds = {small: ONES, large: 10 * ONES}
    assert session.run(feeds)[output].tolist() == [[value] * 4]
    assert session.describe()["signature"] == signature
    assert session.describe()["bytes_copied"] == {"inputs": 32, "outputs": 16}
    with pytest.raises(EngineError, match=f'input "{small}" is missing'):
        session.run({large: ONES})
    with pytest.raises(EngineError, match=f'input "{large}" has shape 1x3'):
        session.run({small: ONES, large: ONES[:, :3]})
    assert session.run(feeds)[output].tolist() == [[value] * 4]


def test_a_signature_of_another_graph_takes_shapes(models: Models, open_session: Opener) -> None:
    shapes = {"p": (2, 4), "q": (2, 4)}
    session = open_session(two_signatures(models, (-1, 4)), shapes, signature="second")
    assert [info.shape for info in session.inputs] == [(2, 4), (2, 4)]
    twos = np.ones((2, 4), np.float32)
    assert session.run({"p": twos, "q": twos})["end"].tolist() == [[3] * 4] * 2
    with pytest.raises(EngineError, match="shape 1x4; the model takes 2x4"):
        session.run({"p": ONES, "q": ONES})


@pytest.mark.parametrize("key", ["first", "second"])
def test_agreement_is_with_the_same_signature_of_the_reference(models: Models, key: str) -> None:
    """Else no model of several signatures could be compared: the reference would refuse it."""
    found = agree(two_signatures(models), f"tflite:signature={key}")
    assert found.reference_options == {"xnnpack": False, "signature": key}
    assert found.agree


def test_two_signatures_are_not_compared(models: Models) -> None:
    engines = ["tflite:signature=first", "tflite:signature=second"]
    with pytest.raises(ArgumentError, match="same signature: found tflite:signature=first and tflite:signature=second"):
        agree(two_signatures(models), engines)


def test_the_only_signature_runs_without_being_asked_for(models: Models, open_session: Opener) -> None:
    """One signature: of the first graph it changes nothing, of another graph it is what runs."""
    network = Network()
    a, b = (network.tensor(name, (1, 4)) for name in ("a", "b"))
    total = add(network, a, b, "total")
    network.signature("serving_default", {"x": a, "y": b}, {"z": total})
    session = open_session(models.save(network, [a, b], [total]))
    assert session.run({"a": ONES, "b": ONES})["total"].tolist() == [[2] * 4]

    network = Network()
    c = network.tensor("c", (1, 4))
    network.close_graph([c], [add(network, c, c, "twice")])
    p = network.tensor("p", (1, 4))
    end = add(network, p, add(network, p, p, "inner"), "end")
    network.signature("only", {"x": p}, {"z": end}, graph=1)
    session = open_session(models.save(network, [p], [end]))
    assert session.run({"p": ONES})["end"].tolist() == [[3] * 4]


def test_a_signature_of_fewer_outputs_returns_those(models: Models, open_session: Opener) -> None:
    network = Network()
    a, b = (network.tensor(name, (1, 4)) for name in ("a", "b"))
    s = add(network, a, b, "s")
    t = add(network, s, b, "t")
    network.signature("part", {"x": a, "y": b}, {"z": t})
    path = models.save(network, [a, b], [s, t])
    assert list(open_session(path, signature="part").run({"a": ONES, "b": ONES})) == ["t"]
    assert list(open_session(path).run({"a": ONES, "b": ONES})) == ["s", "t"]


def test_what_a_file_says_of_its_tensors_is_what_litert_says(models: Models, open_session: Opener) -> None:
    """The quantisation that other engines take from the file; LiteRT reports it itself."""
    path = models.quantised()
    graph: Any = tflite_file.read(path).graphs[0]
    session = open_session(path)
    for indices, infos in ((graph.inputs, session.inputs), (graph.outputs, session.outputs)):
        stated = [(graph.tensors[at].name, graph.tensors[at].scale, graph.tensors[at].zero_point) for at in indices]
        assert stated == [(info.name, info.scale, info.zero_point) for info in infos]


def test_floats_have_no_quantisation(models: Models, open_session: Opener) -> None:
    """Also where a tool left the scale of another version of the model in the file."""
    network = Network()
    x = network.tensor("x", (1, 4), quantised=(0.5, 3))
    path = models.save(network, [x], [add(network, x, x, "y")])
    assert open_session(path).inputs[0].scale is None
    assert tflite_file.read(path).graphs[0].tensors[0].scale is None


def test_a_new_app_of_several_signatures_says_that_one_must_be_chosen(models: Models) -> None:
    """Which one is said when it is run, so the app is written without what the model's inputs would tell."""
    made = new_app(models.folder / "app", app_class="model", model=two_signatures(models))
    assert 'the model has 2 signatures: "first", "second"' in made.unread
    assert made.app.components[0].models[0].inputs == ()
