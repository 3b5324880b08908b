"""What a worker does for a comparison: the numbers of a sample, component by component, and intermediate tensors."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model import model_from_request
from lpbench.app.model_choice import merge
from lpbench.errors import EngineError
from lpbench.plugin import registry
from lpbench.worker.session_builder import engine_opener
from lpbench.worker.tensor_wire import Tensor, collect, fitted, named, pack, read_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.plugin.processor import Sample
    from lpbench.worker.pipeline import OpenComponent

FEEDS = "0000.feeds"
"""What ``collect`` calls the feeds of its first sample."""


def numbers(
    parts: Sequence[OpenComponent],
    sample: Sample | None,
    *,
    keep: Path | None = None,
    given: Sequence[Mapping[str, Any]] = (),
) -> tuple[dict[str, Any], bytes]:
    """Return outputs, values and prediction of a sample: of every component, for each thing that it looks at.

    :param sample: None where it cannot be used: there is nothing then.
    :param keep: A folder that gets the feeds of each component and thing; their files are told as ``feeds``.
    :param given: Feeds that another worker kept, with ``part`` and ``place``, to run components with beside.
    :returns: ``sample`` and ``visits``, each with the component's name as ``part`` and the things' numbers as
        ``place``, and ``given`` likewise, and the arrays as bytes: ``lpbench.worker.tensor_wire.unpack`` takes the two.
    """
    if sample is None:
        return {"sample": None, "visits": [], "given": []}, b""
    visits, blocks = [], []
    for at, (part, place, looked_at) in enumerate(_walk(parts, sample, ())):
        folder = _folder(keep, at)
        record, block = collect(part.session, part.pre, part.post, [looked_at], keep=folder)
        feeds = str(folder / FEEDS) if folder else ""
        visits.append({"part": part.name, "place": list(place), "feeds": feeds, **record["samples"][0]})
        blocks.append(block)
    records = []
    for each in given:
        answer, more = _given(parts, each)
        records.append(answer)
        blocks += more
    return {"sample": sample.name, "visits": visits, "given": records}, b"".join(blocks)


def _given(parts: Sequence[OpenComponent], each: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Run a component with another worker's feeds: what it puts out then comes from it alone."""
    part = next(part for part in parts if part.name == each["part"])
    outputs = part.session.run(fitted(read_feeds(Path(each["feeds"])), part.pre.inputs))
    records, blocks = pack(named(outputs, part.post.outputs))
    return {"part": part.name, "place": each["place"], "outputs": records, "values": []}, blocks


def _walk(
    parts: Sequence[OpenComponent], sample: Sample, place: tuple[int, ...]
) -> Iterator[tuple[OpenComponent, tuple[int, ...], Sample]]:
    """Yield every component with what it looks at."""
    part, *later = parts
    yield part, place, sample
    if later:
        found = part.post(part.session.run(part.pre(sample)), sample)
        for item in list(later[0].pre.items(sample, found)):
            yield from _walk(later, item, (*place, item.item))


def _folder(keep: Path | None, at: int) -> Path | None:
    """Return an empty folder for the feeds of one thing; None where they are not kept."""
    if keep is None:
        return None
    folder = keep / str(at)
    folder.mkdir()
    return folder


class Exposed:
    """A model that ran once and shows every tensor that it computed.

    :param model: The model's files, as JSON.
    :param feeds: A file of feeds that another session of the same model got.
    :raises LpbenchError: The engine cannot be used, or shows nothing.
    """

    def __init__(
        self,
        *,
        engine: str,
        options: Mapping[str, Any],
        model: Mapping[str, Any],
        shapes: Mapping[str, Sequence[int]],
        feeds: str,
    ) -> None:
        spec = registry.current().get(registry.ENGINES, engine).spec
        known = model_from_request(model)
        if known.format not in spec.exposes:
            raise EngineError(f'engine "{spec.name}" shows no intermediate tensors of {known.format}')
        opens = engine_opener(spec, known, options, exposed=True)
        self._session = opens(shapes={name: tuple(shape) for name, shape in shapes.items()})
        inputs = merge(self._session.inputs, known.inputs)
        self._found = self._session.run(fitted(read_feeds(Path(feeds)), inputs))

    def describe(self) -> dict[str, Any]:
        """Return the tensors in the order of computing, each with its size in bytes, and what made them."""
        tensors = [
            {**dataclasses.asdict(each), "bytes": getattr(self._found[each.name], "nbytes", 0)}
            for each in self._session.outputs
        ]
        facts = self._session.describe()
        return {"tensors": tensors, "makers": facts.get("makers", {}), "version": facts.get("version", "")}

    def take(self, names: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        """Return some tensors: records and bytes, as ``lpbench.worker.tensor_wire.unpack_tensors`` takes them."""
        records, parts = pack([Tensor(name, "", self._found[name]) for name in names])
        return {"tensors": records}, b"".join(parts)

    def close(self) -> None:
        """Free the model."""
        self._found = {}
        self._session.close()
