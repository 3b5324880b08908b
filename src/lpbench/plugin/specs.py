"""What a plugin hands over: names and import paths, never imported objects.

A plugin is imported to list what it offers, so it imports nothing heavy.  Each
spec names its implementation as ``"module:attribute"``; the module is imported
only when the thing is used.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(enum.Enum):
    """Whether a thing can be used here."""

    READY = "ready"
    MISSING = "missing"
    """A module that it needs is not installed."""
    UNSUPPORTED = "unsupported"
    """Installed, but not for this machine."""
    BROKEN = "broken"
    """Installed, and its own code fails."""


@dataclass(frozen=True)
class Availability:
    """A state, why, and what the user can do about it.  True when ready."""

    state: State
    reason: str = ""
    hint: str = ""

    def __bool__(self) -> bool:
        return self.state is State.READY


READY = Availability(State.READY)


@dataclass(frozen=True, eq=False)  # a spec is itself; what compares them would cost start-up and nobody does
class Spec:
    """One named thing that a plugin offers.

    :param name: What users type: lower case, words joined by ``-``.
    :param target: Import path of the implementation, ``"package.module:attribute"``.
    :param summary: One line for listings.
    :param requires: Top-level modules that must be installed; ``"a|b"`` means either.
    :param hint: How to install what is missing, as a command.
    """

    name: str
    target: str
    summary: str = ""
    requires: tuple[str, ...] = ()
    hint: str = ""

    def availability(self) -> Availability:
        """Say whether the modules in ``requires`` are installed; import none of them."""
        missing = [names for names in self.requires if not any(map(_installed, names.split("|")))]
        if not missing:
            return READY
        return Availability(State.MISSING, f"not installed: {', '.join(missing)}", self.hint)

    def load(self) -> Any:
        """Import and return the implementation.

        :raises PluginError: The import fails, or the attribute is not there.
        """
        return load(self.target, who=self.name)


@dataclass(frozen=True, eq=False)
class EngineSpec(Spec):
    """An inference engine and what it can do; the core decides by these fields, never by the name.

    :param aliases: Other names that users may ask for; results record ``name``.
    :param formats: Model formats that it reads, each with its file suffixes, the preferred one first.
    :param config: Import path of its frozen config dataclass; its fields are the engine's options.
    :param probe: Import path of a function that returns devices and versions, run in a child process.
    :param case: Import path of a function ``(folder, options)`` that returns the ``lpbench.testing.EngineCase`` by
        which ``lpbench check`` judges the engine; it writes the model into the folder.
    :param distributions: Distributions any of which brings the library, for its version.
    :param environment: Variables set in a worker before anything is imported, telemetry switches say.
    :param dynamic_shapes: Whether a model with open dimensions runs without being given shapes.
    :param owned_outputs: Whether outputs stay valid after the next ``run``.
    :param streams: Whether several sessions may run side by side.
    :param batches: Whether ``open`` takes shapes with a first dimension other than the model's, as far as the model
        itself can be run so.
    :param reference: Options under which the engine computes in F32 what the format's specification says, nothing
        rewritten; other engines and conversions are judged by it.  None where it is no reference.
    :param exposes: Formats whose intermediate tensors it can show, by ``Engine.open_exposed``.
    """

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

    def version(self) -> str:
        """Return the installed library's version from its metadata, or an empty string; imports nothing."""
        return next(filter(None, map(_version, self.distributions)), "")


@dataclass(frozen=True, eq=False)
class ProcessorSpec(Spec):
    """A pre- or postprocessor.

    :param config: Import path of its frozen config dataclass.
    :param classes: The app classes that it serves; empty means every class.
    :param suffixes: File suffixes of the samples that a preprocessor reads, lower case with the dot.
    """

    config: str = ""
    classes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


class MonitorSpec(Spec):
    """A monitor of a resource: load, memory, temperature, power."""


@dataclass(frozen=True, eq=False)
class MetricSpec(Spec):
    """A quality metric; the target is a subclass of ``lpbench.plugin.quality.QualityMetric``.

    :param unit: Empty for a share from 0 to 1.
    :param classes: The app classes that it serves; empty means every class.
    :param higher_is_better: False for errors.
    """

    unit: str = ""
    classes: tuple[str, ...] = ()
    higher_is_better: bool = True


@dataclass(frozen=True, eq=False)
class ConverterSpec(Spec):
    """A converter between model formats; the target is a subclass of ``lpbench.plugin.converter.Converter``.

    :param reads: The format that it takes.
    :param writes: The format that it makes.
    :param precisions: Of the weights that it can store, the default first.
    :param version: Of the converter and what it uses: another version converts again.
    :param distributions: Distributions any of which brings the tool, for its version; where ``version`` is empty.
    """

    reads: str = ""
    writes: str = ""
    precisions: tuple[str, ...] = ("F32",)
    version: str = ""
    distributions: tuple[str, ...] = ()

    def installed(self) -> str:
        """Return the version in use: its own, or else its tool's from the metadata; imports nothing."""
        return self.version or next(filter(None, map(_version, self.distributions)), "")


class AnalyzerSpec(Spec):
    """A static analysis of a model."""


class CommandSpec(Spec):
    """A command of ``lpbench``; the target is a module with ``configure(parser)`` and ``main(options)``."""


class AppSpec(Spec):
    """A catalogue entry; the target is a ``lpbench.app.catalogue.Entry``."""


def load(target: str, *, who: str) -> Any:
    """Import ``"module:attribute"``, or the module where no attribute is named.

    :raises PluginError: Naming ``who``, the import path and the error.
    """
    import importlib

    module, _, attribute = target.partition(":")
    try:
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{who}: cannot load {target}: {type(error).__name__}: {error}",
            hint="lpbench plugins -v shows which distribution it comes from",
        ) from error


def _installed(module: str) -> bool:
    import importlib.util

    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a module half-loaded or without a spec
        return False
    return spec is not None and spec.origin is not None  # a folder of models named like the engine has no origin


def _version(distribution: str) -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
