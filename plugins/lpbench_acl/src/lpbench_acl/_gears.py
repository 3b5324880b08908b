"""Gears: the shapes that a dynamic model was converted for, one of which is in force.

ATC compiles a model for a list of batch sizes, of image sizes, or of shapes of all inputs.  AscendCL is told before a
run which one it is; without that, a model computes with the largest.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.feed_checks import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.engine import Shapes, TensorInfo
    from lpbench_acl._calls import Calls

    Shape = tuple[int, ...]

Kind = Literal["batch", "image", "dims"]
CALLED: Final[Mapping[Kind, str]] = {"batch": "batch sizes", "image": "image sizes", "dims": "shapes"}
OPTIONS: Final[Mapping[Kind, str]] = {"batch": "batches", "image": "image_sizes", "dims": "dims"}
"""Options of the converter that gears come from."""
SHOWN: Final = 8
"""Gears that an error lists."""
KEPT: Final = 100
"""Gears that a result lists."""


@dataclass(frozen=True)
class Gear:
    """Shapes that a model runs with.

    :param sizes: What AscendCL takes: a batch size, height and width, or the dimensions of all inputs in a row.
    :param shapes: Of the inputs, in the model's order.
    """

    sizes: tuple[int, ...]
    shapes: tuple[Shape, ...]


class Gears:
    """The gears that a model has, or those of them that the shapes requested at opening leave.

    :param inputs: What the model calls them, with names of dimensions that differ between gears.
    :param gears: At least one.
    """

    def __init__(self, kind: Kind, inputs: Sequence[TensorInfo], gears: Sequence[Gear]) -> None:
        self.kind: Kind = kind
        self.inputs = [_closed(info, [gear.shapes[at] for gear in gears]) for at, info in enumerate(inputs)]
        self.gears = list(gears)
        self._by_shapes = {gear.shapes: gear for gear in gears}

    def __len__(self) -> int:
        return len(self.gears)

    def choose(self, shapes: Iterable[Shape]) -> Gear:
        """Return the gear of these shapes of the inputs.

        :raises EngineError: There is none; the error lists those that there are, and names the nearest.
        """
        asked = tuple(shapes)
        gear = self._by_shapes.get(asked)
        if gear is None:
            raise self._missing(asked)
        return gear

    def within(self, shapes: Shapes) -> Gears:
        """Return the gears that have the requested shapes, by input.

        :raises EngineError: No gear has them, or they contradict the model.
        """
        infos = feed_checks.fixed(self.inputs, shapes)
        wanted = [info.shape for info in infos]
        left = [gear for gear in self.gears if all(map(feed_checks.fits, gear.shapes, wanted))]
        if not left:
            raise self._missing(wanted)
        return Gears(self.kind, infos, left)

    def facts(self) -> dict[str, list[int] | list[list[int]]]:
        """Return the gears for a result, by their kind."""
        shown = self.gears[:KEPT]
        if self.kind == "batch":
            return {self.kind: [gear.sizes[0] for gear in shown]}
        return {self.kind: [list(gear.sizes) for gear in shown]}

    def _missing(self, asked: Sequence[Sequence[int | str | None]]) -> EngineError:
        wrong = self._named(asked)
        nearest = self._text(min(self.gears, key=lambda gear: _distance(gear.shapes, asked)))
        listed = ", ".join(map(self._text, self.gears[:SHOWN]))
        more = f", … ({len(self)} in all)" if len(self) > SHOWN else ""
        return EngineError(
            f"the model has no gear for {wrong}; it has {CALLED[self.kind]} {listed}{more}",
            hint=f"the nearest is {nearest}: give data of that size, or convert the model with this one too: "
            f"lpbench convert APP --to om --set {OPTIONS[self.kind]}=…",
        )

    def _text(self, gear: Gear) -> str:
        return text(gear.sizes) if self.kind != "dims" else f"({self._named(gear.shapes)})"

    def _named(self, shapes: Sequence[Sequence[int | str | None]]) -> str:
        """Return the shapes of the inputs that differ between gears, of a few, by name."""
        pairs = list(zip(self.inputs, shapes, strict=True))
        differing = [pair for pair in pairs if pair[0].dynamic] or pairs
        words = [f'"{info.name}" {text(shape)}' for info, shape in differing[:SHOWN]]
        return ", ".join([*words, *(["…"] if len(differing) > SHOWN else [])])


class Shifter:
    """Puts gears in force for a dataset of a model's inputs.

    :param gears: Those that a run may take.
    :param values: The model's number, the dataset, and the place there of the input that holds the gear.
    """

    def __init__(self, calls: Calls, gears: Gears, values: tuple[int, int, int]) -> None:
        self._calls, self._values = calls, values
        self.gears = gears
        self._current: Gear | None = None

    def shift(self, shapes: Iterable[Shape]) -> None:
        """Put the gear of these shapes of the inputs in force, unless it is.

        :raises EngineError: There is none, or AscendCL refuses it.
        """
        gear = self.gears.choose(shapes)
        if gear is not self._current:
            self.put(gear)

    def put(self, gear: Gear) -> None:
        """Put a gear in force; it stays until another one is.

        :raises AclError: AscendCL refuses it.
        """
        self.forget()
        if self.gears.kind == "batch":
            self._calls.call("mdl.set_dynamic_batch_size", *self._values, *gear.sizes)
        elif self.gears.kind == "image":
            self._calls.call("mdl.set_dynamic_hw_size", *self._values, *gear.sizes)
        else:
            dims = {"name": "", "dimCount": len(gear.sizes), "dims": list(gear.sizes)}
            self._calls.call("mdl.set_input_dynamic_dims", *self._values, dims)
        self._current = gear

    def forget(self) -> None:
        """Have the next gear put in force whichever it is, as after a failure."""
        self._current = None


def announced(info: TensorInfo, shapes: Sequence[Shape], gears: Gears) -> TensorInfo:
    """Return an output with the sizes that all gears give it, and ``batch`` where the size is the gear's.

    :param shapes: Its shape in each gear, in the gears' order; of one rank, or else nothing of it is known.
    """
    if len({len(shape) for shape in shapes}) != 1:
        return info
    batches = [gear.sizes[0] for gear in gears.gears] if gears.kind == "batch" else []
    names = ["batch" if batches == list(axis) else None for axis in zip(*shapes, strict=True)]
    return _closed(dataclasses.replace(info, shape=tuple(names)), shapes)


def _closed(info: TensorInfo, shapes: Sequence[Shape]) -> TensorInfo:
    """Return a tensor with the sizes that are the same in all of its shapes."""
    axes = [set(axis) for axis in zip(*shapes, strict=True)]
    pairs = zip(info.shape, axes, strict=True)
    return dataclasses.replace(info, shape=tuple(min(axis) if len(axis) == 1 else size for size, axis in pairs))


def _distance(shapes: Sequence[Shape], asked: Sequence[Sequence[int | str | None]]) -> int:
    """Return by how much sizes differ, those that are asked for."""
    return sum(
        abs(size - wanted)
        for shape, dimensions in zip(shapes, asked, strict=True)
        for size, wanted in zip(shape, dimensions, strict=False)
        if isinstance(wanted, int)
    )
