"""Requests about the session: open an app, or the reference kernel, and close it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass, field

from lpbench.plugin.configuration import EngineConfiguration  # noqa: TC001 - the wire reads the annotations
from lpbench.plugin.engine import TensorInfo  # noqa: TC001 - likewise
from lpbench.worker.requests.base import Record, Records, Request, refuse_negative


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
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    components: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse_negative(self, "load_ns", "baseline_bytes")


@dataclass(frozen=True)
class OpenRequest(Request[Opened]):
    """Open an app on an engine.

    :param app: As ``App.request`` gives it.
    :param others: By the names of components whose models the engine does not read: what runs them.
    :param samples: Files, in the order of measuring; none means synthetic samples.
    :param seed: For synthetic samples.
    :param draw: A folder for pictures of what is found; empty draws none.
    :param profile: Open each session with the profile of its layers, which slows it down.
    """

    phase = "loading"
    reports = True

    app: Record
    configuration: EngineConfiguration
    others: Mapping[str, EngineConfiguration] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    seed: int = 0
    draw: str = ""
    profile: bool = False


@dataclass(frozen=True)
class FitProcessors(Request[Records]):
    """Build each processor for the tensors that the app states, without a model; the answer is what they refuse.

    :param app: As ``App.request`` gives it.
    """

    phase = "building the processors"

    app: Record


@dataclass(frozen=True)
class OpenReferenceKernel(Request[Record]):
    """Put the yardstick's kernel in the place of a model; the answer says what its units depend on.

    :param threads: That the process's environment gives it.
    """

    phase = "loading the yardstick"

    threads: int = 1


@dataclass(frozen=True)
class Tensors:
    """Inputs and outputs of a model."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class InspectModel(Request[Tensors]):
    """Open a model for a moment and say what its inputs and outputs are."""

    phase = "opening the model"
    reports = True

    model: str
    format: str
    engine: str


@dataclass(frozen=True)
class Closed:
    """A session that ended.

    :param peak_bytes: High-water mark of resident memory, None where the kernel does not tell.
    :param problems: Samples that were left out, and why.
    :param undrawn: Why there are no pictures although they were asked for; else empty.
    """

    peak_bytes: int
    problems: tuple[Mapping[str, str], ...]

    def __post_init__(self) -> None:
        refuse_negative(self, "peak_bytes")

    undrawn: str = ""


@dataclass(frozen=True)
class CloseApp(Request[Closed]):
    """Close what is open."""

    phase = "closing"
