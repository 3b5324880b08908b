"""A worker's part in a comparison of engines: a sample's numbers by component, and intermediate tensors."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model_choice import merge
from lpbench.app.model_described import model_from_request
from lpbench.errors import EngineError
from lpbench.plugin import registry
from lpbench.worker.named_tensors import Tensor, results
from lpbench.worker.session_builder import engine_opener
from lpbench.worker.statements import check_tensors, facts
from lpbench.worker.tensor_wire import collect, fitted, pack, read_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench.plugin.processor import Sample
    from lpbench.worker.pipeline import OpenComponent

FEEDS = "0000.feeds"
"""The name that ``collect`` gives to the feeds of its first sample."""


def numbers(
    parts: Sequence[OpenComponent],
    sample: Sample | None,
    *,
    keep: Path | None = None,
    given: Sequence[Mapping[str, Any]] = (),
) -> tuple[dict[str, Any], bytes]:
    """Return outputs, values and prediction of a sample, for every component and each item that it processes.

    :param sample: None if the sample cannot be used; the record is then empty.
    :param keep: A folder to write the feeds of each component and item into; the record names the files as ``feeds``.
    :param given: Feeds that another worker kept, with ``part`` and ``place``, to run the components with in addition.
    :returns: A record and the arrays as bytes, both for ``lpbench.worker.tensor_wire.unpack``.  The record has
        ``sample``, ``visits`` and ``given``; each entry of the last two has the component's name as ``part`` and the
        numbers of the items as ``place``.
    """
    if sample is None:
        return {"sample": None, "visits": [], "given": []}, b""
    visits, blocks = [], []
    for index, (part, place, item) in enumerate(_walk(parts, sample, ())):
        folder = _folder(keep, index)
        record, block = collect(part.session, part.pre, part.post, [item], keep=folder)
        feeds = str(folder / FEEDS) if folder else ""
        visits.append({"part": part.name, "place": list(place), "feeds": feeds, **record["samples"][0]})
        blocks.append(block)
    records = []
    for feeds_record in given:
        record, more = _given(parts, feeds_record)
        records.append(record)
        blocks += more
    return {"sample": sample.name, "visits": visits, "given": records}, b"".join(blocks)


def _given(parts: Sequence[OpenComponent], record: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Run a component with another worker's feeds, so that earlier components do not influence its outputs."""
    part = next(part for part in parts if part.name == record["part"])
    outputs = part.session.run(fitted(read_feeds(Path(record["feeds"])), part.pre.inputs))
    records, blocks = pack(results(outputs, {info.name: info for info in part.post.outputs}))
    return {"part": part.name, "place": record["place"], "outputs": records, "values": []}, blocks


def _walk(
    parts: Sequence[OpenComponent], sample: Sample, place: tuple[int, ...]
) -> Iterator[tuple[OpenComponent, tuple[int, ...], Sample]]:
    """Yield every component with each item that it processes."""
    part, *later = parts
    yield part, place, sample
    if later:
        prediction = part.post(part.session.run(part.pre(sample)), sample)
        for item in list(later[0].pre.items(sample, prediction)):
            yield from _walk(later, item, (*place, item.item))


def _folder(keep: Path | None, index: int) -> Path | None:
    """Return an empty folder for the feeds of one item; None if feeds are not kept."""
    if keep is None:
        return None
    folder = keep / str(index)
    folder.mkdir()
    return folder


class Exposed:
    """A model that ran once and exposes every tensor that it computed.

    :param model: The model's files, as JSON.
    :param feeds: A file with the feeds of another session of the same model.
    :raises LpbenchError: The engine cannot be used, or cannot show intermediate tensors of the format.
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
        exposed = model_from_request(model)
        if exposed.format not in spec.exposes:
            raise EngineError(f'engine "{spec.name}" cannot show intermediate tensors of {exposed.format}')
        opens = engine_opener(spec, exposed, options, exposed=True)
        self._session = opens(shapes={name: tuple(shape) for name, shape in shapes.items()})
        self._engine = spec.name
        check_tensors(self._session, spec.name)
        inputs = merge(self._session.inputs, exposed.inputs)
        self._tensors = self._session.run(fitted(read_feeds(Path(feeds)), inputs))

    def describe(self) -> dict[str, Any]:
        """Return the tensors in order of computation, each with its size in bytes, and the operators that made them."""
        tensors = [
            {**dataclasses.asdict(info), "bytes": getattr(self._tensors[info.name], "nbytes", 0)}
            for info in self._session.outputs
        ]
        said = facts(self._session, self._engine)
        return {"tensors": tensors, "makers": said.get("makers", {}), "version": said.get("version") or ""}

    def take(self, names: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        """Return the named tensors: records and bytes, for ``lpbench.worker.tensor_wire.unpack_tensors``."""
        records, parts = pack([Tensor(name, "", self._tensors[name]) for name in names])
        return {"tensors": records}, b"".join(parts)

    def close(self) -> None:
        """Free the model."""
        self._tensors = {}
        self._session.close()
