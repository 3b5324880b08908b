"""What the checks work with: a model and inputs for an engine, samples for a processor.

A case is handed to other processes, so it holds files, arrays and plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.plugin.processor import Sample

if TYPE_CHECKING:
    from lpbench.plugin.engine import Feeds, Model, Outputs, Shapes, TensorInfo

C = TypeVar("C", bound="Case")

Factory = Callable[[Path, Mapping[str, Any]], C]
"""Makes a case: takes a folder for the files that it writes and the options asked for; must not load the library."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What every case says.

    :param expected_failures: Checks that fail for a reason that is not the plugin's, with that reason.
    :param timeout: Seconds after which a check counts as hung.
    :param cycles: Rounds after which what is held is compared, (20, 100); fewer for slow devices.
    """

    expected_failures: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 300.0
    cycles: tuple[int, int] = (20, 100)


@dataclass(frozen=True, kw_only=True)
class EngineCase(Case):
    """A small model and two inputs for it.

    :param model: Its files; a few kilobytes are enough.
    :param feeds: Arrays by input name.
    :param other: Further ones of the same types and shapes, each with other values, and with other outputs.
    :param expected: The outputs of ``feeds``, computed without the engine; None leaves that check out.
    :param tolerance: Largest difference allowed, as a share of the largest expected value.
    :param options: Options of the engine, as users give them.
    :param shapes: Shapes to open the model with.
    :param identity: A model of one float32 input that a convolution or matrix product multiplies by one: the
        fingerprint of the precision that is executed.
    """

    model: Model
    feeds: Feeds
    other: Feeds
    expected: Outputs | None = None
    tolerance: float = 1e-5
    options: Mapping[str, Any] = field(default_factory=dict)
    shapes: Shapes = field(default_factory=dict)
    identity: Model | None = None


@dataclass(frozen=True, kw_only=True)
class PreprocessorCase(Case):
    """Samples, and the inputs that they are to become.

    :param config: Keys of the preprocessor's config, as apps give them.
    :param inputs: The model's inputs.
    :param samples: Two or more files that differ; empty where the preprocessor makes its samples up.
    :param expected: The feeds of the first sample; None leaves that check out.
    :param tolerance: Largest difference allowed, as a share of the largest expected value.
    """

    inputs: tuple[TensorInfo, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Path, ...] = ()
    expected: Feeds | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class PostprocessorCase(Case):
    """A model's outputs, and what is to be said of them.

    :param outputs: The model's outputs.
    :param given: Arrays by output name.
    :param other: Further ones, with another prediction.
    :param config: Keys of the postprocessor's config, as apps give them.
    :param labels: The app's class names.
    :param sample: The sample that the outputs belong to, with the geometry that a preprocessor leaves.
    :param expected: What ``describe`` says of ``given``; None leaves that check out.
    """

    outputs: tuple[TensorInfo, ...]
    given: Outputs
    other: Outputs
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    sample: Sample = field(default_factory=lambda: Sample("sample", None))
    expected: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class MonitorCase(Case):
    """A monitor needs nothing but time.

    :param seconds: How long it is held open.
    """

    seconds: float = 0.3
