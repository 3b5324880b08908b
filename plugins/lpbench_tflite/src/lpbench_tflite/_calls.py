"""Runs one inference; feeds and outputs are copied with LiteRT's own calls.

Views of LiteRT's memory would save the copies, but LiteRT refuses to run while a view is
held.  Copying costs a few microseconds per megabyte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import feed_checks, narrow_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from lpbench.plugin.engine import Feeds, Outputs, TensorInfo
    from lpbench_tflite._entry import Entry

UNSEEN = object()
"""Marks inputs without a checked array; None would be ambiguous, since a user may pass it."""


class MisfitError(Exception):
    """A feed is missing or has the wrong type or shape; the session finds out which."""


class Call:
    """Runs one interpreter.

    An array is checked only if it is another object than in the previous run, so checks cost nothing in a loop
    that refills its buffers.  LiteRT itself runs with old data if a feed is missing, and does not convert swapped
    bytes.

    :param entry: The first graph of a model.
    :param inputs: The inputs, with None for dimensions that may change from run to run.
    """

    def __init__(self, entry: Entry, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        self._interpreter = interpreter = entry.interpreter
        self._set, self._invoke, self._get = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        input_details, output_details = entry.input_details, entry.output_details
        self._count = len(input_details)
        self._inputs = [
            (position, info.name, detail["index"])
            for position, (info, detail) in enumerate(zip(inputs, input_details, strict=True))
        ]
        self._outputs = [(info.name, detail["index"]) for info, detail in zip(outputs, output_details, strict=True)]
        self._infos = inputs
        self._seen: list[Any] = [UNSEEN] * len(inputs)
        self._shapes = [tuple(map(int, detail["shape"])) for detail in input_details]

    def __call__(self, feeds: Feeds) -> Outputs:
        if len(feeds) != self._count:
            raise MisfitError
        for position, name, index in self._inputs:
            array = feeds[name]
            if self._seen[position] is not array:
                return self(self._checked(feeds))  # start again, since resizing discards the inputs set before
            self._set(index, array)
        self._invoke()
        return {name: self._get(index) for name, index in self._outputs}

    def _checked(self, feeds: Feeds) -> Feeds:
        """Check all feeds, resize open dimensions and return the checked arrays."""
        self._seen = [UNSEEN] * self._count
        arrays = {info.name: feeds[info.name] for info in self._infos}
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


class SignatureCall:
    """Runs a graph other than the first, with the library's runner for its signature, which also resizes it."""

    def __init__(self, entry: Entry, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
        assert entry.signature  # noqa: S101 - other graphs are reached by a signature only
        self._run: Any = entry.runner
        self._infos = inputs
        own_inputs, own_outputs = (
            {index: name for name, index in ends.items()} for ends in (entry.signature.inputs, entry.signature.outputs)
        )
        self._inputs = [
            (info.name, own_inputs[detail["index"]]) for info, detail in zip(inputs, entry.input_details, strict=True)
        ]
        self._outputs = [
            (info.name, own_outputs[detail["index"]])
            for info, detail in zip(outputs, entry.output_details, strict=True)
        ]
        self._seen: list[Any] = [UNSEEN] * len(inputs)

    def __call__(self, feeds: Feeds) -> Outputs:
        if len(feeds) != len(self._infos):
            raise MisfitError
        for position, info in enumerate(self._infos):
            array = feeds[info.name]
            if self._seen[position] is not array:
                if feed_checks.misfit(array, info):
                    raise MisfitError
                self._seen[position] = array
        outputs = self._run(**{own: feeds[name] for name, own in self._inputs})
        return {name: outputs[own] for name, own in self._outputs}


def call(entry: Entry, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> Callable[[Feeds], Outputs]:
    """Return what runs a graph."""
    run = (SignatureCall if entry.runner else Call)(entry, inputs, outputs)
    narrow = {info.name: info.dtype for info in inputs if info.dtype in narrow_floats.BITS}
    if not narrow:
        return run
    return lambda feeds: run({name: _viewed(array, narrow.get(name, "")) for name, array in feeds.items()})


def _viewed(array: Any, dtype: str) -> Any:
    """Return the bits of a float that numpy lacks in the type of ml_dtypes, which the library takes."""
    if not dtype or not narrow_floats.holds(array, dtype):
        return array
    import ml_dtypes

    return array.view(getattr(ml_dtypes, dtype))


def resize(
    interpreter: Any, indices: Sequence[int], shapes: Sequence[tuple[int, ...]], *, free: Container[int] = ()
) -> None:
    """Resize inputs.

    :param free: Indices of the inputs whose number of dimensions may change.
    :raises EngineError: The shapes do not match each other, or an operator does not support them.
    """
    try:
        for index, shape in zip(indices, shapes, strict=True):
            interpreter.resize_tensor_input(index, list(shape), strict=index not in free)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        requested = ", ".join(map(feed_checks.text, shapes))
        raise EngineError(
            f"the model does not accept inputs of {requested}: {' '.join(str(error).split())}",
            hint="give related inputs shapes that match",
        ) from error
