"""Finds the first tensor at which an engine parts from the reference.

Both run one sample with every intermediate tensor shown; what both have a name for is compared in the order in
which the reference computes it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import choose_model
from lpbench.errors import EngineError, LpbenchError
from lpbench.jobs.parity import NUMBERS, Deviation, Tolerance, deviation, violation
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.tensor_wire import Tensor, align_layout, unpack_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lpbench.app.model import Component
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Model

FETCHED = 32 << 20
"""Bytes of tensors that are fetched at a time from each side."""
LARGEST = 256 << 20
"""A tensor of more bytes is left out."""
STRICTER = 10
"""A tensor inside a network is violation this much more strictly than its outputs: what is small there may grow."""


@dataclass(frozen=True)
class Divergence:
    """Where two engines part.

    :param sample: Name of the sample that was looked at, and the component of the app.
    :param tensor: The first that differs; empty where none was found, with the ``reason``.
    :param shape: Its shape in the reference.
    :param problem: In what it differs.
    :param makers: What computes it: in the reference, in the other engine; empty where that is not known.
    :param last: The last one before it that agreed; empty where it is the first of all.
    :param compared: Tensors that were compared.
    """

    sample: str
    component: str
    tensor: str = ""
    shape: tuple[int, ...] = ()
    problem: str = ""
    deviation: Deviation | None = None
    makers: tuple[str, str] = ("", "")
    last: str = ""
    compared: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Side:
    """One of the two engines.

    :param target: The engine with its options.
    :param model: The model that it runs.
    """

    target: Target
    model: Model
    shapes: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, target: Target, component: Component, shapes: Mapping[str, Sequence[int]]) -> Side:
        """Return an engine with the model that it would run of a component.

        :raises EngineError: It shows no intermediate tensors of that model.
        """
        runs = target.runs(component)
        if runs.spec is None:
            raise EngineError(f"{runs.asked} was handed over, and cannot be sent to a worker")
        model = choose_model(component, runs.spec)
        if model.format not in runs.spec.exposes:
            shown = f" (of {', '.join(runs.spec.exposes)} it does)" if runs.spec.exposes else ""
            raise EngineError(f"{runs.name} shows no intermediate tensors of {model.format}{shown}")
        return cls(runs, model, shapes)

    def request(self, feeds: Path) -> dict[str, Any]:
        """Return the arguments of ``Runner.expose``."""
        return {
            "engine": self.target.name,
            "options": dict(self.target.options),
            "model": json.loads(json.dumps(dataclasses.asdict(self.model), default=str)),
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "feeds": str(feeds),
        }


class _Open:
    """A side that ran the sample."""

    def __init__(self, side: Side, feeds: Path, timeout: float) -> None:
        self.worker = Worker(WorkerOptions(environment=side.target.environment(), timeout=timeout))
        try:
            answer, _ = self.worker.ask("expose", "running with every tensor shown", **side.request(feeds))
        except BaseException:
            self.worker.kill()
            raise
        self.tensors = {each["name"]: each for each in answer["tensors"]}
        self.makers: Mapping[str, str] = answer["makers"]

    def fetch(self, names: Sequence[str]) -> tuple[Tensor, ...]:
        """Return some tensors."""
        answer, block = self.worker.ask("tensors", "sending tensors", names=list(names))
        return unpack_tensors(answer["tensors"], block)


def first_divergence(  # noqa: PLR0913 - two engines, one sample, and how it is looked at
    reference: Side,
    other: Side,
    feeds: Path,
    *,
    where: tuple[str, str],
    tolerance: Tolerance,
    timeout: float,
    report: Callable[[int, int], None],
) -> Divergence:
    """Return where two engines part.

    :param feeds: What goes into the model, as the worker of the reference kept it.
    :param where: The sample's name and the component's.
    :param tolerance: Of the outputs; tensors inside are violation ``STRICTER``.
    :param report: Called with the number of tensors that were compared, and of all.
    :raises LpbenchError: One of the two cannot show its tensors.
    """
    one = _Open(reference, feeds, timeout)
    try:
        two = _Open(other, feeds, timeout)
    except BaseException:
        one.worker.kill()
        raise
    try:
        return _search(one, two, Divergence(*where), _stricter(tolerance), report)
    finally:
        one.worker.close()
        two.worker.close()


def _search(
    one: _Open, two: _Open, divergence: Divergence, tolerance: Tolerance, report: Callable[[int, int], None]
) -> Divergence:
    """Compare what both have, block by block, and stop at the first that differs."""
    common = [name for name in one.tensors if name in two.tensors and _comparable(one, two, name)]
    if not common:
        return dataclasses.replace(divergence, reason="the two have no name of a tensor in common")
    last, compared = "", 0
    for names in _blocks(common, {name: one.tensors[name]["bytes"] for name in common}):
        for name, first, second in zip(names, one.fetch(names), two.fetch(names), strict=True):
            compared += 1
            problem, found = _differs(first, second, tolerance)
            if problem:
                makers = one.makers.get(name, ""), two.makers.get(name, "")
                return dataclasses.replace(
                    divergence,
                    tensor=name,
                    shape=tuple(first.values.shape),
                    problem=problem,
                    deviation=found,
                    makers=makers,
                    last=last,
                    compared=compared,
                )
            last = name
        report(compared, len(common))
    reason = f"with every tensor shown all {compared} agree: it is by fusing or reordering them that the two part"
    return dataclasses.replace(divergence, last=last, compared=compared, reason=reason)


def _comparable(one: _Open, two: _Open, name: str) -> bool:
    return all(0 < side.tensors[name]["bytes"] <= LARGEST for side in (one, two))


def _differs(first: Tensor, second: Tensor, tolerance: Tolerance) -> tuple[str, Deviation | None]:
    """Return in what a tensor differs, or an empty text."""
    if first.values.dtype.kind not in NUMBERS:
        return "", None
    try:
        found = deviation(first.values, align_layout(second, first))
    except LpbenchError as error:
        return error.what, None
    nothing = not found.count and not found.nonfinite_mismatch  # both are not finite in the same way
    return ("" if nothing else violation(found, tolerance)), found


def _stricter(tolerance: Tolerance) -> Tolerance:
    return Tolerance(tolerance.absolute / STRICTER, tolerance.relative / STRICTER)


def _blocks(names: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield names of tensors that together have no more than ``FETCHED`` bytes, or one that has more alone."""
    block: list[str] = []
    room = math.inf
    for name in names:
        if block and sizes[name] > room:
            yield block
            block = []
        room = (room if block else FETCHED) - sizes[name]
        block.append(name)
    if block:
        yield block
