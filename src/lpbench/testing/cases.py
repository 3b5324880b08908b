"""Input of the checks: a model with feeds for an engine, samples for a processor.

A case is passed to other processes, so it holds only files, arrays and plain values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.plugin.monitor import MonitorTarget
from lpbench.plugin.processor import Sample

if TYPE_CHECKING:
    from lpbench.plugin.engine import Feeds, Model, Outputs, Shapes, TensorInfo

C = TypeVar("C", bound="Case")

Factory = Callable[[Path, Mapping[str, Any]], C]
"""Makes a case from a folder for its files and the requested options; must not import the library."""


NO_SUCH_OPERATOR = "NoSuchOperator"
"""The name of an operator that no engine has."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Fields of every case.

    :param expected_failures: Checks that fail for a reason outside the plugin, with that reason.
    :param timeout: Seconds after which a check counts as hung.
    :param cycles: The two numbers of rounds after which descriptors, threads and memory are compared; fewer for slow
        devices.
    """

    expected_failures: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 300.0
    cycles: tuple[int, int] = (20, 100)


@dataclass(frozen=True, kw_only=True)
class EngineCase(Case):
    """A small model and two inputs for it.

    :param model: The model's files; a few kilobytes are enough.
    :param feeds: Arrays by input name.
    :param other: Arrays of the same types and shapes with other values, which give other outputs.
    :param expected: The outputs of ``feeds``, computed without the engine; None skips the check.
    :param tolerance: Largest difference allowed, as a share of the largest expected value.
    :param options: Options of the engine, as users give them.
    :param shapes: Shapes to open the model with.
    :param identity: A model that multiplies its one float32 input by one with a convolution or matrix product, to
        determine the precision that is executed.
    :param unsupported: A model with an operator ``NO_SUCH_OPERATOR``, of which the engine is to say that it lacks it.
    """

    model: Model
    feeds: Feeds
    other: Feeds
    expected: Outputs | None = None
    tolerance: float = 1e-5
    options: Mapping[str, Any] = field(default_factory=dict)
    shapes: Shapes = field(default_factory=dict)
    identity: Model | None = None
    unsupported: Model | None = None


@dataclass(frozen=True, kw_only=True)
class PreprocessorCase(Case):
    """Samples and the model inputs that they are converted to.

    :param config: Keys of the preprocessor's config, as apps give them.
    :param inputs: The model's inputs.
    :param samples: Two or more different files; empty to use synthetic samples of the preprocessor.
    :param expected: The feeds of the first sample; None skips the check.
    :param tolerance: Largest difference allowed, as a share of the largest expected value.
    """

    inputs: tuple[TensorInfo, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Path, ...] = ()
    expected: Feeds | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class PostprocessorCase(Case):
    """A model's outputs and the expected description of the prediction.

    :param outputs: The model's outputs.
    :param given: Arrays by output name.
    :param other: Arrays that give another prediction.
    :param config: Keys of the postprocessor's config, as apps give them.
    :param labels: The app's class names.
    :param sample: The sample that the outputs belong to, with the geometry that a preprocessor leaves.
    :param expected: What ``describe`` returns for ``given``; None skips the check.
    """

    outputs: tuple[TensorInfo, ...]
    given: Outputs
    other: Outputs
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    sample: Sample = field(default_factory=lambda: Sample("sample", None))
    expected: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class AlgorithmCase(Case):
    """A configuration with which an algorithm is checked.

    :param values: Of hyper-parameters and inputs; of those that are not named, the first that the signature allows.
    """

    values: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MonitorCase(Case):
    """What a monitor watches while it is checked.

    :param seconds: How long it is open, in seconds.
    :param target: By default this process and this machine.
    :param options: The monitor's options.
    """

    seconds: float = 0.3
    target: MonitorTarget = field(default_factory=lambda: MonitorTarget(os.getpid()))
    options: Mapping[str, Any] = field(default_factory=dict)
