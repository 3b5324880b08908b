"""What workers say of chains, and how it adds up: things that one side only found, boxes, orders of dimensions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.jobs.agreement._bisect import FETCHED, _blocks  # noqa: E402
from lpbench.jobs.agreement._tally import SampleOutputs, Tally  # noqa: E402 - after the skip
from lpbench.jobs.parity import F32  # noqa: E402
from lpbench.plugin.engine import Session, TensorInfo  # noqa: E402
from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample  # noqa: E402
from lpbench.worker.intermediate import numbers  # noqa: E402
from lpbench.worker.pipeline import OpenComponent  # noqa: E402
from lpbench.worker.tensor_wire import read_feeds  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.plugin.engine import Feeds, Outputs


class Plus(Session):
    """Adds a number, into the same array each time, as engines do.

    :param share: What it is off by, as a share of its input.
    """

    def __init__(self, add: float, layout: str, share: float) -> None:
        self.inputs = (TensorInfo("x", "float32", (1, 2, 1, 3)),)
        self.outputs = (TensorInfo("y", "float32", (), layout=layout),)
        self._add = add
        self._share = share
        self._room = np.zeros((1, 2, 1, 3), np.float32)

    def run(self, feeds: Feeds, /) -> Outputs:
        np.add(feeds["x"] * (1 + self._share), self._add, out=self._room)
        return {"y": self._room.transpose(0, 2, 3, 1) if self.outputs[0].layout == "NHWC" else self._room}

    def close(self) -> None:
        pass


class ArraySummary(Preprocessor[None]):
    shift = 0.0

    def load(self, path: Path) -> Sample:
        raise NotImplementedError

    def __call__(self, sample: Sample, /) -> Feeds:
        return {
            "x": np.full((1, 2, 1, 3), sample.data, np.float32) + np.arange(6, dtype=np.float32).reshape(1, 2, 1, 3)
        }

    def items(self, sample: Sample, found: float, /) -> Sequence[Sample]:
        return [Sample(sample.name, 10 * at, item=at) for at in range(round(found))]


class First(Postprocessor[None]):
    """The first number, as a count and as a box."""

    def __call__(self, outputs: Outputs, sample: Sample, /) -> float:
        return float(next(iter(outputs.values())).flat[0])

    def describe(self, prediction: float, /) -> Mapping[str, Any]:
        return {"items": [{"label": "thing", "score": 0.5, "box": [0, 0, 10, 10 + prediction]}]}


def chain(add: float, layout: str = "", share: float = 0.0) -> list[OpenComponent]:
    sessions = [Plus(add, layout, 0.0), Plus(100.0, layout, share)]
    return [
        OpenComponent(name, each, ArraySummary(None, each.inputs), First(None, each.outputs, ()))
        for name, each in zip(("finder", "reader"), sessions, strict=True)
    ]


def seen(
    parts: list[OpenComponent], data: float = 1.0, *, keep: Path | None = None, beside: SampleOutputs | None = None
) -> SampleOutputs:
    given = beside.later() if beside else []
    return SampleOutputs.of(*numbers(parts, Sample("one", data), keep=keep, given=given))


def tallied(reference: list[OpenComponent], other: list[OpenComponent], keep: Path) -> Tally:
    """Compare one sample as workers do."""
    tally = Tally(F32)
    expected = seen(reference, keep=keep)
    tally.add(0, expected, seen(other, beside=expected))
    return tally


def test_every_component_is_asked_for_each_thing_that_it_looks_at(tmp_path: Path) -> None:
    found = seen(chain(1.0), keep=tmp_path)
    assert list(found.visits) == [("finder", ()), ("reader", (0,)), ("reader", (1,))]
    outputs = [each.outputs[0].values.flat[0] for each in found.visits.values()]
    assert outputs == [2, 100, 110]
    assert [read_feeds(Path(each))[0].values.flat[0] for each in found.feeds.values()] == [1, 0, 10]


def test_a_sample_of_no_use_is_nothing() -> None:
    tally = Tally(F32)
    nothing = SampleOutputs.of(*numbers(chain(1.0), None))
    tally.add(0, nothing, nothing)
    assert (tally.samples, tally.values()) == (0, ())


def test_components_are_judged_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later one gets what the reference's got: what those before it are off by would add up."""
    other = chain(1.2)
    monkeypatch.setattr(other[1].pre, "shift", 7.0)  # what it is given by its own chain is far off
    finder, reader = tallied(chain(1.0), other, tmp_path).values()
    assert (finder.component, finder.failed, finder.of, finder.worst) == ("finder", 1, 1, "one")
    assert finder.reason.startswith("max absolute error 0.2")
    assert (reader.component, reader.failed, reader.of) == ("reader", 0, 2)


def test_the_thing_that_is_furthest_off_is_told(tmp_path: Path) -> None:
    other = [*chain(1.0)[:1], *chain(1.0, share=1e-3)[1:]]
    _, reader = tallied(chain(1.0), other, tmp_path).values()
    assert (reader.failed, reader.of, reader.place, reader.worst) == (1, 2, (1,), "one")


def test_things_that_one_side_only_found_are_counted(tmp_path: Path) -> None:
    tally = tallied(chain(1.0), chain(3.0), tmp_path)
    assert tally.miscounts == {"reader": 2}
    assert tally.values()[1].of == 2


def test_boxes_are_summed_over_all_that_answered(tmp_path: Path) -> None:
    tally = tallied(chain(1.0), chain(1.0), tmp_path)
    assert tally.boxes is not None
    assert (tally.boxes.matched, tally.boxes.of, tally.boxes.mean_overlap) == (3, 3, 1.0)
    assert tally.top == (0, 0)


def test_channels_that_stand_last_are_brought_in_the_references_order(tmp_path: Path) -> None:
    tally = tallied(chain(1.0), chain(1.0, "NHWC"), tmp_path)
    assert len(tally.values()) == len(tally.outputs()) == 2
    for found in (*tally.values(), *tally.outputs()):
        assert found.deviation is not None, found
        assert (found.deviation.max_absolute, found.reason) == (0, "")


@given(st.lists(st.integers(1, 60 << 20), max_size=8))
def test_tensors_are_fetched_in_order_and_never_too_many_at_a_time(sizes: list[int]) -> None:
    names = [str(at) for at in range(len(sizes))]
    found = list(_blocks(names, dict(zip(names, sizes, strict=True))))
    assert [name for block in found for name in block] == names
    assert all(len(block) == 1 or sum(sizes[int(name)] for name in block) <= FETCHED for block in found)
    pairs = [sum(sizes[int(name)] for name in block) + sizes[int(after[0])] for block, after in pairwise(found)]
    assert all(size > FETCHED for size in pairs), "a block has room for the next tensor"
