"""Finds the first tensor at which an engine diverges from the reference.

Both run one sample with every intermediate tensor shown; tensors whose names both have are compared in the order in
which the reference computes them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclasses read the annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.errors import EngineError
from lpbench.jobs.parity import Deviation, Tolerance, compare
from lpbench.util.jsonable import to_jsonable
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import ExposeTensors, SendTensors
from lpbench.worker.tensor_wire import unpack_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lpbench.app.model import Component
    from lpbench.jobs.engine_choice import Target
    from lpbench.plugin.engine import Model
    from lpbench.plugin.progress import Listener
    from lpbench.worker.named_tensors import Tensor

FETCHED = 32 << 20
"""Bytes of tensors that one request fetches from each side."""
LARGEST = 256 << 20
"""Tensors of more bytes are not compared."""
STRICTER = 10
"""The tolerance is this much stricter inside a network than at its outputs: small errors may grow."""


@dataclass(frozen=True)
class Divergence:
    """The point at which two engines diverge.

    :param sample: Name of the sample; ``component`` is the component of the app.
    :param tensor: The first tensor that differs; empty if none was found, with the ``reason``.
    :param shape: Its shape in the reference.
    :param problem: How it differs.
    :param makers: The operators that compute it, in the reference and in the other engine; empty if unknown.
    :param last: The last tensor before it that agreed; empty if it is the very first.
    :param compared: Number of compared tensors.
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
    :param model: The model that the engine runs.
    """

    target: Target
    model: Model
    shapes: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, target: Target, component: Component, shapes: Mapping[str, Sequence[int]]) -> Side:
        """Return an engine with its choice of a component's models.

        :raises EngineError: The engine cannot show intermediate tensors of that model.
        """
        chosen = target.runs(component)
        if chosen.spec is None:
            raise EngineError(f"{chosen.asked} was passed as an instance, which cannot be sent to a worker")
        model = target.model(component)
        if model.format not in chosen.spec.exposes:
            shown = f" (only of {', '.join(chosen.spec.exposes)})" if chosen.spec.exposes else ""
            raise EngineError(f"{chosen.name} cannot show intermediate tensors of {model.format}{shown}")
        return cls(chosen, model, shapes)

    def request(self, feeds: Path) -> ExposeTensors:
        """Return the request that runs the model with every tensor shown."""
        return ExposeTensors(
            engine=self.target.name,
            options=self.target.configuration.engine_options,
            model=to_jsonable(self.model),
            shapes={name: tuple(shape) for name, shape in self.shapes.items()},
            feeds=str(feeds),
        )


class _Open:
    """A side after it ran the sample."""

    def __init__(self, side: Side, feeds: Path, timeout: float, hear: Listener) -> None:
        self.worker = Worker(WorkerOptions(environment=side.target.environment(), timeout=timeout))
        try:
            answer = self.worker.request(side.request(feeds), hear=hear)
        except BaseException:
            self.worker.kill()
            raise
        self.tensors = {record["name"]: record for record in answer.tensors}
        self.makers: Mapping[str, str] = answer.makers

    def fetch(self, names: Sequence[str]) -> tuple[Tensor, ...]:
        """Return the named tensors."""
        answer = self.worker.request(SendTensors(tuple(names)))
        return unpack_tensors(answer.tensors, answer.block)


def first_divergence(  # noqa: PLR0913 - two engines, one sample and the settings
    reference: Side,
    other: Side,
    feeds: Path,
    *,
    where: tuple[str, str],
    tolerance: Tolerance,
    timeout: float,
    report: Callable[[int, int], None],
    hear: Listener,
) -> Divergence:
    """Return where two engines diverge.

    :param feeds: The model's feeds, as the reference's worker kept them.
    :param where: The names of the sample and the component.
    :param tolerance: Tolerance of the outputs; for intermediate tensors it is divided by ``STRICTER``.
    :param report: Called with the number of compared tensors and the number of all.
    :param hear: Called with what an engine reports that takes long.
    :raises LpbenchError: One of the engines cannot show its tensors.
    """
    one = _Open(reference, feeds, timeout, hear)
    try:
        two = _Open(other, feeds, timeout, hear)
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
    """Compare the common tensors block by block, and stop at the first that differs."""
    common = [name for name in one.tensors if name in two.tensors and _comparable(one, two, name)]
    if not common:
        return dataclasses.replace(divergence, reason="the two engines have no tensor name in common")
    last, compared = "", 0
    for names in _blocks(common, {name: one.tensors[name]["bytes"] for name in common}):
        for name, first, second in zip(names, one.fetch(names), two.fetch(names), strict=True):
            compared += 1
            problem, error = _differs(first, second, tolerance)
            if problem:
                makers = one.makers.get(name, ""), two.makers.get(name, "")
                return dataclasses.replace(
                    divergence,
                    tensor=name,
                    shape=tuple(first.values.shape),
                    problem=problem,
                    deviation=error,
                    makers=makers,
                    last=last,
                    compared=compared,
                )
            last = name
        report(compared, len(common))
    reason = f"with every tensor shown all {compared} agree: fusing or reordering operators makes the difference"
    return dataclasses.replace(divergence, last=last, compared=compared, reason=reason)


def _comparable(one: _Open, two: _Open, name: str) -> bool:
    return all(0 < side.tensors[name]["bytes"] <= LARGEST for side in (one, two))


def _differs(first: Tensor, second: Tensor, tolerance: Tolerance) -> tuple[str, Deviation | None]:
    """Return how a tensor differs, or an empty text, and its deviation."""
    found = compare(_stepped(first), second, tolerance)
    return found.reason, found.deviation


def _stepped(tensor: Tensor) -> Tensor:
    """Return a tensor; inside a network, numbers of 8 bits are quantised ones, whose scale no engine tells."""
    values = tensor.values
    if values.dtype.kind in "iu" and values.dtype.itemsize == 1:
        return dataclasses.replace(tensor, values=values.astype("float32"), step=1.0)
    return tensor


def _stricter(tolerance: Tolerance) -> Tolerance:
    return Tolerance(tolerance.absolute / STRICTER, tolerance.relative / STRICTER)


def _blocks(names: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield groups of names whose tensors have at most ``FETCHED`` bytes together; a larger tensor is alone."""
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
