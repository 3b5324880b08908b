"""The specs that a plugin registers: names and import paths, never imported objects.

lpbench imports a plugin to list its offers, so a plugin must import nothing heavy.
Each spec names its implementation as ``"module:attribute"``; the module is imported
only when the implementation is used.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lpbench.errors import PluginError, either
from lpbench.plugin.distributions import installed_version
from lpbench.plugin.failures import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.converter import Limits


class State(enum.Enum):
    """Whether an offer can be used here."""

    READY = "ready"
    MISSING = "missing"
    """A required module is not installed."""
    UNSUPPORTED = "unsupported"
    """It does not support this machine."""
    BROKEN = "broken"
    """It is installed, but its own code fails."""


@dataclass(frozen=True)
class Availability:
    """A state, its reason, and what the user can do about it.  True if ready."""

    state: State
    reason: str = ""
    hint: str = ""

    def __bool__(self) -> bool:
        return self.state is State.READY


READY = Availability(State.READY)


@dataclass(frozen=True, eq=False, repr=False)  # compared by identity; each generated method costs start-up time
class Spec:
    """One named offer of a plugin.

    :param name: The name that users type: lower case, words joined by ``-``.
    :param target: Import path of the implementation, ``"package.module:attribute"``.
    :param summary: One line for listings.
    :param requires: Top-level modules that must be installed; ``"a|b"`` means either.
    :param hint: The command that installs what is missing.
    """

    name: str
    target: str
    summary: str = ""
    requires: tuple[str, ...] = ()
    hint: str = ""

    contracts: ClassVar[tuple[str, ...]] = ()
    """Import paths of classes; the implementation is a subclass of one of them.  Empty where it is no class."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.target!r})"

    def availability(self) -> Availability:
        """Return whether the modules in ``requires`` are installed, without importing them."""
        missing = [names for names in self.requires if not any(map(_installed, names.split("|")))]
        if not missing:
            return READY
        named = ", ".join(names.replace("|", " or ") for names in missing)
        return Availability(State.MISSING, f"not installed: {named}", self.hint)

    def load(self) -> Any:
        """Import and return the implementation.

        :raises PluginError: The import fails, the attribute does not exist, or it is not what the contract asks for.
        """
        implementation = load(self.target, who=self.name)
        contracts = tuple(load(contract, who=self.name) for contract in self.contracts)
        if contracts and not (isinstance(implementation, type) and issubclass(implementation, contracts)):
            kind = "class" if isinstance(implementation, type) else type(implementation).__name__
            expected = " or ".join(contract.replace(":", ".") for contract in self.contracts)
            raise PluginError(
                f"{self.name}: {self.target} is a {kind}; expected a subclass of {expected}", hint=origin_hint()
            )
        return implementation


@dataclass(frozen=True, eq=False, repr=False)
class EngineSpec(Spec):
    """An inference engine and its capabilities; the core decides by these fields, never by the name.

    :param aliases: Other names that users may ask for; results record ``name``.
    :param formats: Model formats that it reads, each with its file extensions, the preferred one first.
    :param config: Import path of its frozen config dataclass; its fields are the engine's options.
    :param probe: Import path of a function that returns devices and versions, run in a child process.
    :param case: Import path of a function ``(folder, options)`` that returns the ``lpbench.testing.EngineCase`` with
        which ``lpbench check`` checks the engine; it writes the model into the folder.
    :param distributions: Distributions that provide the library, for its version; the first one installed counts.
    :param environment: Variables set in a worker before anything is imported, for example to disable telemetry.
    :param dynamic_shapes: Whether a model with open dimensions runs without given shapes.
    :param owned_outputs: Whether outputs stay valid after the next ``run``.
    :param streams: Whether several sessions may run in parallel.
    :param batches: Whether ``open`` accepts shapes whose first dimension differs from the model's, provided that the
        model supports it.
    :param reference: Options with which the engine computes in F32 as the format's specification defines, without
        optimisations; other engines and conversions are compared with it.  None if it is not a reference.
    :param exposes: Formats whose intermediate tensors ``Engine.open_exposed`` can return.
    :param choosing: Options that choose what of a file runs, such as one of several signatures, and not how it runs:
        a reference takes them over from the engines that are compared with it.
    :param app_options: Options that an app may state for this engine (``inference.options``): those that say how its
        model is computed.  Never one that loads code, names a file or a device, or hands settings on to the library:
        apps come from other people.
    :param operators: Import path of a function that takes a ``Model`` and the config, and returns the operators of the
        model that the engine does not support (``lpbench.plugin.operators``).  It is called in a process of its own.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.engine:Engine",)
    aliases: tuple[str, ...] = ()
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    config: str = ""
    probe: str = ""
    case: str = ""
    distributions: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    dynamic_shapes: bool = False
    owned_outputs: bool = False
    streams: bool = False
    batches: bool = False
    reference: Mapping[str, Any] | None = None
    exposes: tuple[str, ...] = ()
    choosing: tuple[str, ...] = ()
    app_options: tuple[str, ...] = ()
    operators: str = ""

    def version(self) -> str:
        """Return the installed library's version from its metadata, or an empty string; imports nothing."""
        return next(filter(None, map(installed_version, self.distributions)), "")


@dataclass(frozen=True, eq=False, repr=False)
class ProcessorSpec(Spec):
    """A pre- or postprocessor.

    :param config: Import path of its frozen config dataclass.
    :param classes: The app classes that it supports; empty means every class.
    :param suffixes: File extensions of the samples that a preprocessor reads, lower case with the dot.
    :param guess: Import path of a function that ``lpbench new-app`` asks for the processor's settings: it takes
        ``lpbench.plugin.guessing.AppFacts`` and returns a ``GuessedStep``, or None if the processor does not suit
        the app.  Processors that name the class are asked first, then those for every class.  Without a guess, a
        processor that names the class is used with its defaults.
    :param words: By a key of a prediction, the import path of a function that puts a prediction with that key into
        words: it takes the prediction as JSON values (``Postprocessor.describe``) and returns one line.  It must need
        neither the engine's nor the processor's libraries, since results are read on other machines.
    :param case: Import path of a function ``(folder, options)`` that returns the ``lpbench.testing.PreprocessorCase``
        or ``PostprocessorCase`` with which ``lpbench check`` checks the processor; it writes files into the folder.
    """

    contracts: ClassVar[tuple[str, ...]] = (
        "lpbench.plugin.processor:Preprocessor",
        "lpbench.plugin.processor:Postprocessor",
    )
    config: str = ""
    classes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    guess: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    case: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class MonitorSpec(Spec):
    """A monitor of a resource: load, memory, temperature, power; the target is a ``lpbench.plugin.monitor.Monitor``.

    :param metrics: The metrics that it can give, without their parts: ``("POWER_CONSUMPTION", "ENERGY")``.
    :param rank: Of several monitors that give a metric, that of the lowest rank that answers counts.
    :param interval: Seconds between two samples at least: a sensor's own rate, or what a command costs.
    :param window: Seconds that its readings need to describe a mean: ten times what its sensor averages over.
    :param deadline: Seconds after which a call counts as hung, and the monitor is left out.
    :param config: Import path of its frozen config dataclass; its fields are the monitor's options.
    :param case: Likewise of a function ``(folder, options)`` that returns its ``lpbench.testing.MonitorCase``.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.monitor:Monitor",)
    metrics: tuple[str, ...] = ()
    rank: int = 50
    interval: float = 0.0
    window: float = 0.0
    deadline: float = 5.0
    config: str = ""
    case: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class MetricSpec(Spec):
    """A quality metric; the target is a subclass of ``lpbench.plugin.quality.QualityMetric``.

    :param unit: Empty for a fraction from 0 to 1.
    :param classes: The app classes for which it is used by default; an app of any class may name it.
    :param higher_is_better: False for error metrics.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.quality:QualityMetric",)
    unit: str = ""
    classes: tuple[str, ...] = ()
    higher_is_better: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class ConverterSpec(Spec):
    """A converter between model formats; the target is a subclass of ``lpbench.plugin.converter.Converter``.

    :param reads: The source format.
    :param writes: The target format.
    :param precisions: The precisions in which it can store weights, the default first.
    :param version: Version of the converter and its tools; a new version invalidates earlier conversions.
    :param distributions: Distributions that provide the tool, for its version if ``version`` is empty.
    :param config: Import path of its frozen config dataclass; its fields are the converter's options.
    :param bound: Import path of a function that takes the config and returns what of this machine the product depends
        on, such as ``{"TensorRT": "10.3.0", "GPU": "Orin"}``: texts by name, at most 20.  It is called in a process of
        its own.  Empty where the product is the same everywhere.
    :param calibrated: Precisions for which ``Conversion.calibration`` holds samples.
    :param limits: By precision, how far outputs may differ from the source's; others have those of the documentation.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.converter:Converter",)
    reads: str = ""
    writes: str = ""
    precisions: tuple[str, ...] = ("F32",)
    version: str = ""
    distributions: tuple[str, ...] = ()
    config: str = ""
    bound: str = ""
    calibrated: frozenset[str] = frozenset()
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def installed(self) -> str:
        """Return the version in use: the spec's, or else the installed tool's from its metadata; imports nothing."""
        return self.version or next(filter(None, map(installed_version, self.distributions)), "")


@dataclass(frozen=True, eq=False, repr=False)
class AnalyzerSpec(Spec):
    """A static analysis of models; the target is a subclass of ``lpbench.plugin.analyzer.Analyzer``.

    :param formats: The model formats that it reads.
    :param version: Version of its rules; a new version invalidates earlier analyses.
    :param distributions: Distributions that it reads models with; another version of the first one installed
        invalidates earlier analyses, too.
    """

    contracts: ClassVar[tuple[str, ...]] = ("lpbench.plugin.analyzer:Analyzer",)
    formats: tuple[str, ...] = ()
    version: str = ""
    distributions: tuple[str, ...] = ()

    def installed(self) -> str:
        """Return the versions in use, of its rules and of what it reads models with; imports nothing."""
        library = next(filter(None, map(installed_version, self.distributions)), "")
        return " ".join(filter(None, (self.version, library)))


class CommandSpec(Spec):
    """A command of ``lpbench``; the target is a module with ``configure(parser)`` and ``main(options)``."""


class AppSpec(Spec):
    """A catalogue entry; the target is a ``lpbench.app.catalogue.Entry``."""


def load(target: str, *, who: str) -> Any:
    """Import ``"module:attribute"``, or the module if no attribute is named.

    :raises PluginError: Naming ``who``, the import path and the error.
    """
    import importlib

    module, _, attribute = target.partition(":")
    try:
        imported = importlib.import_module(module)
        return getattr(imported, attribute) if attribute else imported
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"{who}: cannot load {target}: {reason_of(error)}", hint=origin_hint()) from error


def _installed(module: str) -> bool:
    import importlib.util

    try:
        spec = importlib.util.find_spec(module)
    except ImportError:  # of the package that it is in
        return False
    except ValueError:  # loaded without a spec, or just being loaded in another thread, as OpenCV loads itself twice
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(module)
    return spec is not None and spec.origin is not None  # a folder named like the module has no origin


def origin_hint() -> str:
    """Return what tells the reader of an error whose plugin it was."""
    return either("lpbench plugins -v", "lpbench.plugins()") + " shows which distribution it comes from"
