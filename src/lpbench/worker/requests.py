"""What a worker is asked and what it answers: values that ``lpbench.worker.wire`` carries as JSON.

A request is a dataclass whose base names the type of its answer, so that a type checker knows what comes back:
``client.request(MeasureSlice(100))`` is a ``Slice``.  An answer's field ``block`` holds bytes, which follow the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from lpbench.plugin.configuration import EngineConfiguration  # noqa: TC001 - likewise

A = TypeVar("A")

Record = Mapping[str, Any]
"""A JSON object whose keys are those of a plugin or of the machine."""
Records = tuple[Record, ...]


@dataclass(frozen=True)
class Request(Generic[A]):
    """Something that a worker is asked; ``phase`` says in words what the worker does meanwhile."""

    phase: ClassVar[str] = ""


class RunnerClient(Protocol):
    """A worker process, or a runner in this process that is asked in the same way."""

    @property
    def stderr_tail(self) -> str:
        """The last lines that the process and the libraries in it printed."""

    def request(self, request: Request[A], phase: str = "", timeout: float | None = None) -> A:
        """Return the answer to a request.

        :param phase: What it is asked for, in words, where the request's own words are too general.
        :raises WorkerError: The worker ended or stopped answering; it is gone afterwards.
        :raises LpbenchError: The worker is well and refuses.
        """

    def suspend(self) -> None:
        """Keep it from using a core until it is asked again."""

    def close(self) -> None:
        """Let it end by itself."""

    def kill(self) -> None:
        """End it at once."""


# The session.


@dataclass(frozen=True)
class Opened:
    """An open app.

    :param load_ns: What opening the model took.
    :param baseline_bytes: Resident memory before.
    :param facts: What the session says of itself.
    :param components: Names of a chain's components; empty where there is one.
    """

    load_ns: int
    baseline_bytes: int
    facts: Record
    inputs: Records
    outputs: Records
    components: tuple[str, ...]


@dataclass(frozen=True)
class OpenRequest(Request[Opened]):
    """Open an app on an engine.

    :param app: As ``App.request`` gives it.
    :param others: By the names of components whose models the engine does not read: what runs them.
    :param samples: Files, in the order of measuring; none means synthetic samples.
    :param seed: For synthetic samples.
    :param draw: A folder for pictures of what is found; empty draws none.
    """

    phase = "loading"

    app: Record
    configuration: EngineConfiguration
    others: Mapping[str, EngineConfiguration] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    seed: int = 0
    draw: str = ""


@dataclass(frozen=True)
class OpenReferenceKernel(Request[Record]):
    """Put the yardstick's kernel in the place of a model; the answer says what its units depend on.

    :param threads: That the process's environment gives it.
    """

    phase = "loading the yardstick"

    threads: int = 1


@dataclass(frozen=True)
class Tensors:
    """Inputs and outputs of a model, as fields of ``TensorInfo``."""

    inputs: Records
    outputs: Records


@dataclass(frozen=True)
class InspectModel(Request[Tensors]):
    """Open a model for a moment and say what its inputs and outputs are."""

    phase = "opening the model"

    model: str
    format: str
    engine: str


@dataclass(frozen=True)
class Closed:
    """A session that ended.

    :param peak_bytes: High-water mark of resident memory, None where the kernel does not tell.
    :param problems: Samples that were left out, and why.
    """

    peak_bytes: int
    problems: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class CloseApp(Request[Closed]):
    """Close what is open."""

    phase = "closing"


# Timing.


@dataclass(frozen=True)
class FirstSample:
    """The very first sample.

    :param ns: Nanoseconds by stage.
    :param types: The types that flow between stages, by the stage that puts them out.
    """

    ns: Mapping[str, int]
    types: Mapping[str, str]


@dataclass(frozen=True)
class RunFirstSample(Request[FirstSample]):
    """Run the first sample."""

    phase = "running the first sample"


@dataclass(frozen=True)
class Slice:
    """An uninterrupted stretch of samples.

    :param wall_ns: What it took, decoding left out.
    :param cpu_ns: CPU time of all threads meanwhile, decoding left out.
    :param switches: Times that the process was preempted.
    :param faults: Page faults that read from a disk.
    :param rss_bytes: Resident memory afterwards.
    :param block: Clock reads: little-endian 64-bit integers, ``stages.reads_of`` the components for each sample.
    """

    wall_ns: int
    cpu_ns: int
    switches: int
    faults: int
    rss_bytes: int
    block: bytes = b""


@dataclass(frozen=True)
class MeasureSlice(Request[Slice]):
    """Time samples, or batches of them."""

    phase = "measuring"

    count: int


@dataclass(frozen=True)
class ClockReads:
    """Clock reads alone, as those of a ``Slice``."""

    block: bytes = b""


@dataclass(frozen=True)
class MeasureCpuSlice(Request[ClockReads]):
    """Take the CPU time of all threads; a pass of its own, since its clock is slow."""

    phase = "taking CPU time"

    count: int


@dataclass(frozen=True)
class PinnedThreads:
    """Threads that compute, and the cores that they are kept on; no cores where they were left alone."""

    threads: int
    cores: tuple[int, ...]


@dataclass(frozen=True)
class PinThreads(Request[PinnedThreads]):
    """Keep each thread that computes on a core of its own, where there are as many as cores.

    :param count: Samples to compute, which shows the threads.
    """

    phase = "pinning threads"

    count: int


@dataclass(frozen=True)
class BreakDownLatency(Request[Mapping[str, float]]):
    """Break the latency down; the answer holds nanoseconds by part, which add up to a sample's time."""

    phase = "explaining"

    seconds: float


# Predictions and quality.


@dataclass(frozen=True)
class Predict(Request[Records]):
    """Return the prediction of each sample, untimed.

    :param limit: At most this many; 0 means as many as one answer holds.
    """

    phase = "predicting"

    limit: int = 0


@dataclass(frozen=True)
class BeginQuality(Request[None]):
    """Begin to evaluate predictions by metrics, the one that matters first."""

    phase = "evaluating quality"

    metrics: tuple[str, ...]


@dataclass(frozen=True)
class EvaluateQuality(Request[None]):
    """Evaluate the predictions of some files, each with what is true of it; what cannot be read is left out."""

    phase = "evaluating quality"

    samples: tuple[tuple[str, Record], ...]


@dataclass(frozen=True)
class QualityFound:
    """What each metric found, and the files that could not be read."""

    metrics: Records
    problems: Mapping[str, str]


@dataclass(frozen=True)
class FinishQuality(Request[QualityFound]):
    """Return what was found since ``BeginQuality``."""

    phase = "evaluating quality"


# Agreement.


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

    limit: int = 0
    given: tuple[str, ...] = ()
    keep: str = ""


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


# The machine, and what plugins find there.


@dataclass(frozen=True)
class AvailableMemory(Request[int | None]):
    """Return the bytes of memory that further workers may take, None where the kernel does not tell."""

    phase = "reading the free memory"


@dataclass(frozen=True)
class BeginInterference(Request[None]):
    """Begin to watch what others do to the machine.

    :param others: Processes that belong to the benchmark.
    """

    phase = "measuring"

    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class EndInterference(Request[Record]):
    """Return what others did since ``BeginInterference``, with the reason why it counts as disturbed."""

    phase = "measuring"


@dataclass(frozen=True)
class ReadEnvironment(Request[Record]):
    """Return what ``lpbench.machine`` sees from the process."""

    phase = "reading the environment"


@dataclass(frozen=True)
class Probe(Request[Any]):
    """Call a plugin's probe: it loads the vendor's library and looks for devices."""

    phase = "probing"

    target: str
    name: str
