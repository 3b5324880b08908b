"""Requests for everything that sessions put out, to compare engines and conversions by."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass

from lpbench.worker.requests.base import Record, Records, Request


@dataclass(frozen=True)
class RawOutputs:
    """Outputs of some samples, as ``tensor_wire.unpack`` takes them."""

    samples: Records
    block: bytes = b""


@dataclass(frozen=True)
class CollectOutputs(Request[RawOutputs]):
    """Return everything that the first component puts out for each sample.

    :param limit: At most this many samples; 0 means as many as one answer holds.
    :param given: Files of feeds to run instead of the samples.
    :param keep: A folder that gets a file of feeds for each sample; empty keeps none.
    """

    phase = "running"
    reports = True

    limit: int = 0
    given: tuple[str, ...] = ()
    keep: str = ""


@dataclass(frozen=True)
class KeptInputs:
    """How many samples' inputs were written."""

    count: int


@dataclass(frozen=True)
class KeepInputs(Request[KeptInputs]):
    """Write what the first component's session gets for each sample into files; nothing is run.

    :param folder: Gets a file of feeds for each sample.
    :param limit: At most this many samples; 0 means as many as are made up where there are no files.
    """

    phase = "preprocessing"
    reports = True

    folder: str
    limit: int = 0


@dataclass(frozen=True)
class SampleNumbers:
    """What every component puts out for one sample, as ``intermediate.numbers`` gives it."""

    sample: str | None
    visits: Records
    given: Records
    block: bytes = b""


@dataclass(frozen=True)
class CollectNumbers(Request[SampleNumbers]):
    """Return what every component puts out for one sample.

    :param keep: A folder that gets the feeds of each component and item; empty keeps none.
    :param given: Feeds that another worker kept, to run components with beside.
    """

    index: int
    keep: str = ""
    given: Records = ()


@dataclass(frozen=True)
class ExposedTensors:
    """The tensors of a model, in the order of computing.

    :param makers: The layer that computes each, as far as the engine tells.
    """

    tensors: Records
    makers: Mapping[str, str]
    version: str


@dataclass(frozen=True)
class ExposeTensors(Request[ExposedTensors]):
    """Run a model that shows every intermediate tensor, once.

    :param model: The model's files, as JSON.
    :param feeds: A file of feeds that another session of the same model got.
    """

    phase = "running with every tensor shown"
    reports = True

    engine: str
    options: Record
    model: Record
    shapes: Mapping[str, tuple[int, ...]]
    feeds: str


@dataclass(frozen=True)
class TensorBlock:
    """Some tensors, as ``tensor_wire.unpack_tensors`` takes them."""

    tensors: Records
    block: bytes = b""


@dataclass(frozen=True)
class SendTensors(Request[TensorBlock]):
    """Return some of the tensors of ``ExposeTensors``."""

    phase = "sending tensors"

    names: tuple[str, ...]
