"""How one inference is done: feeds are copied in, outputs are copied out, as LiteRT offers it.

Views of LiteRT's own memory would save the copies, and forbid the next run while one is
held; copying costs a few microseconds for each megabyte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo

UNSEEN = object()
"""Stands where no array was looked at, since a user may hand over None."""


class MisfitError(Exception):
    """A feed is missing or has the wrong type or shape; the session says which."""


class Call:
    """Runs one interpreter.

    Arrays are looked at when another object comes than in the run before, so that a loop that refills its
    buffers pays nothing: LiteRT itself runs on with old data where a feed is missing, and reads swapped bytes.

    :param inputs: With None for dimensions that may change from run to run.
    """

    def __init__(self, interpreter: Any, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        self._interpreter = interpreter
        self._set, self._invoke, self._get = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        given, found = interpreter.get_input_details(), interpreter.get_output_details()
        self._count = len(given)
        self._inputs = [
            (at, info.name, each["index"]) for at, (info, each) in enumerate(zip(inputs, given, strict=True))
        ]
        self._outputs = [(info.name, each["index"]) for info, each in zip(outputs, found, strict=True)]
        self._infos = inputs
        self._seen: list[Any] = [UNSEEN] * len(inputs)
        self._shapes = [tuple(map(int, each["shape"])) for each in given]

    def __call__(self, given: Feeds) -> Outputs:
        if len(given) != self._count:
            raise MisfitError
        for at, name, index in self._inputs:
            array = given[name]
            if self._seen[at] is not array:
                return self(self._looked(given))  # from the start, since new sizes take what was set before
            self._set(index, array)
        self._invoke()
        return {name: self._get(index) for name, index in self._outputs}

    def _looked(self, given: Feeds) -> Feeds:
        """Check all feeds, give LiteRT the sizes of open dimensions and return the arrays that were looked at."""
        self._seen = [UNSEEN] * self._count
        arrays = {info.name: given[info.name] for info in self._infos}
        for info in self._infos:
            if feed_checks.misfit(arrays[info.name], info):
                raise MisfitError
        shapes = [array.shape for array in arrays.values()]
        if shapes != self._shapes:
            self._resize(shapes)
        self._seen = list(arrays.values())
        return arrays

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        before = self._shapes
        try:
            resize(self._interpreter, [index for *_, index in self._inputs], shapes)
        except EngineError:
            resize(self._interpreter, [index for *_, index in self._inputs], before)
            raise
        self._shapes = shapes


def resize(interpreter: Any, indices: Sequence[int], shapes: Sequence[tuple[int, ...]]) -> None:
    """Give inputs their sizes.

    :raises EngineError: They do not fit each other, or an operator.
    """
    try:
        for index, shape in zip(indices, shapes, strict=True):
            interpreter.resize_tensor_input(index, list(shape), strict=True)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        given = ", ".join(map(feed_checks.text, shapes))
        raise EngineError(
            f"the model does not take inputs of {given}: {' '.join(str(error).split())}",
            hint="inputs that belong together need shapes that fit",
        ) from error
