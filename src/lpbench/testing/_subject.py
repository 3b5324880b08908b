"""The subject of a check: an object that a plugin registers, its case, and a folder for files."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from lpbench.errors import PluginError
from lpbench.plugin import registry, specs
from lpbench.plugin.algorithm_spec import AlgorithmSpec
from lpbench.plugin.monitors import build_monitor
from lpbench.testing._checks import NotApplicable, NotReady, require
from lpbench.testing.cases import AlgorithmCase, Case, EngineCase, MonitorCase, PostprocessorCase, PreprocessorCase
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.plugin.algorithm import Signature, Value
    from lpbench.plugin.engine import Engine, Model, Session
    from lpbench.plugin.monitor import Monitor, MonitorTarget
    from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample

C = TypeVar("C", bound=Case)
S = TypeVar("S", bound=specs.Spec)


class Subject(Generic[S, C]):
    """An object under test, found through its plugin's entry point as lpbench does.

    :param kind: Engines, preprocessors, postprocessors, monitors or algorithms.
    :param make_case: Makes the case when the check first needs it.
    :param folder: Empty folder that this check may write to.
    :raises UnknownNameError: No plugin registers the name.
    """

    word: ClassVar[str]
    """What it is, in words."""
    case_type: ClassVar[type[Case]]

    def __init__(self, kind: registry.Kind[S], name: str, make_case: Callable[[S], C], folder: Path) -> None:
        self.kind = kind
        plugins = registry.current()
        self.offer = plugins.all(kind).get(name) or plugins.get(kind, name)
        self.spec = self.offer.spec
        plugin = plugins.manager.get_plugin(self.offer.plugin)
        self.module = str(getattr(plugin, "__name__", ""))
        self.folder = folder
        self._make_case = make_case

    @functools.cached_property
    def case(self) -> C:
        """The case, made on first use; making it may need the library.

        :raises NotReady: The library is not available.
        """
        available = self.offer.availability()
        if not available:
            raise NotReady(f"needs {self.spec.name}: {available.reason}")
        return self._make_case(self.spec)

    def failures(self) -> list[str]:
        """Return the plugin's registration failures, of all kinds."""
        plugins = registry.current()
        for kind in registry.KINDS:
            plugins.all(kind)
        return [str(failure) for failure in plugins.failures if failure.plugin == self.offer.plugin]

    @property
    def config_path(self) -> str:
        """Import path of the config; empty if the spec names none."""
        return str(getattr(self.spec, "config", ""))

    def config_class(self) -> type[Any]:
        """Return the class of the config.

        :raises NotApplicable: The spec names none.
        """
        if not self.config_path:
            raise NotApplicable("the plugin has no options")
        config: type[Any] = specs.load(self.config_path, who=self.spec.name)
        require(dataclasses.is_dataclass(config), f"{self.config_path} is not a dataclass")
        return config

    def options(self) -> dict[str, dataclasses.Field[Any]]:
        """Return the fields of the config by name; empty if there is no config."""
        return {field.name: field for field in dataclasses.fields(self.config_class())} if self.config_path else {}

    def implementation(self) -> Any:
        """Return the implementation that the spec names."""
        return self.spec.load()


class EngineSubject(Subject[specs.EngineSpec, EngineCase]):
    """An engine, opened as the runner opens it."""

    word = "engine"
    case_type = EngineCase

    def engine(self) -> Engine[Any]:
        """Return a new engine."""
        engine: Engine[Any] = self.implementation()()
        return engine

    def settings(self, options: Mapping[str, Any]) -> Any:
        """Return the config with the case's options and further ones; None if the engine has no config."""
        if not self.config_path:
            return None
        values = {**self.case.options, **options}
        return dataclass_config.build(self.config_class(), values, where=f"options of {self.spec.name}")

    def open(
        self,
        model: Model | None = None,
        *,
        engine: Engine[Any] | None = None,
        options: Mapping[str, Any] | None = None,
        profile: bool = False,
    ) -> Session:
        """Open the case's model, or another one, with the case's options and further ones."""
        case = self.case
        shapes = case.shapes if model is None else {}
        settings = self.settings(options or {})
        return (engine or self.engine()).open(model or case.model, settings, shapes=shapes, profile=profile)

    def one_thread(self) -> dict[str, Any]:
        """Return the option that requests one thread, if the engine has it."""
        return {"threads": 1} if "threads" in self.options() else {}

    def changed_model(self, content: bytes, word: str) -> Model:
        """Return the case's model with other bytes in its main file."""
        model = self.case.model
        path = self.folder / f"{word}{suffix(self.spec, model)}"
        path.write_bytes(content)
        return dataclasses.replace(model, path=path)


class PreprocessorSubject(Subject[specs.ProcessorSpec, PreprocessorCase]):
    """A preprocessor, built as the runner builds it."""

    word = "preprocessor"
    case_type = PreprocessorCase

    def build(self) -> Preprocessor[Any]:
        """Return a new preprocessor for the case's inputs."""
        case = self.case
        settings = dataclass_config.build(self.config_class(), case.config) if self.config_path else None
        preprocessor: Preprocessor[Any] = self.implementation()(settings, case.inputs)
        return preprocessor

    def samples(self, preprocessor: Preprocessor[Any]) -> list[Sample]:
        """Return two samples that differ."""
        if self.case.samples:
            return [preprocessor.load(path) for path in self.case.samples[:2]]
        return [preprocessor.generate(index, 0) for index in range(2)]


class PostprocessorSubject(Subject[specs.ProcessorSpec, PostprocessorCase]):
    """A postprocessor, built as the runner builds it."""

    word = "postprocessor"
    case_type = PostprocessorCase

    def build(self) -> Postprocessor[Any]:
        """Return a new postprocessor for the case's outputs."""
        case = self.case
        settings = dataclass_config.build(self.config_class(), case.config) if self.config_path else None
        postprocessor: Postprocessor[Any] = self.implementation()(settings, case.outputs, case.labels)
        return postprocessor


class MonitorSubject(Subject[specs.MonitorSpec, MonitorCase]):
    """A monitor."""

    word = "monitor"
    case_type = MonitorCase

    def build(self, target: MonitorTarget | None = None) -> Monitor:
        """Return a new monitor of the case's target, or of another one."""
        return build_monitor(self.spec, target or self.case.target, self.case.options)


class AlgorithmSubject(Subject[AlgorithmSpec, AlgorithmCase]):
    """An algorithm."""

    word = "algorithm"
    case_type = AlgorithmCase

    def signature(self) -> Signature:
        """Return what it is set to and states."""
        require(self.spec.signature is not None, "the spec has no signature")
        assert self.spec.signature is not None  # noqa: S101 - for type checkers
        return self.spec.signature

    def values(self) -> dict[str, Value]:
        """Return one configuration."""
        first = {each.name: each.values[0] if each.values else each.lower or 0 for each in self.signature().variables}
        return {**first, **self.case.values}


def suffix(spec: specs.EngineSpec, model: Model) -> str:
    """Return the file ending by which the engine knows the model's format."""
    endings = [ending for ending in spec.formats.get(model.format, ()) if model.path.name.endswith(ending)]
    return max(endings, key=len, default=model.path.suffix)


def refuse_caseless(subject: type[Subject[Any, Any]], spec: specs.Spec) -> None:
    """Raise where a spec names no case; monitors and algorithms need none.

    :raises PluginError: The hint says how to give one.
    """
    if subject.case_type in {MonitorCase, AlgorithmCase} or _case_path(spec):
        return
    model = f"give a model: lpbench check {spec.name} --model FILE, or " if subject.case_type is EngineCase else ""
    what = f'{subject.word} "{spec.name}" provides no case to check it with'
    raise PluginError(what, hint=f'{model}name one in its spec: {type(spec).__name__}(case="module:function")')


def named_case(subject: type[Subject[Any, Any]], spec: specs.Spec, folder: Path, options: Mapping[str, Any]) -> Case:
    """Return the case that a spec names, made in ``folder``.

    :raises PluginError: The spec names no case, or its function returns something else.
    """
    refuse_caseless(subject, spec)
    path, expected = _case_path(spec), subject.case_type
    case = specs.load(path, who=spec.name)(folder, options) if path else expected()
    if not isinstance(case, expected):
        raise PluginError(f"{path} returned {type(case).__name__}; expected {expected.__name__}")
    if isinstance(case, (EngineCase, MonitorCase)):
        return dataclasses.replace(case, options={**case.options, **options})
    return case


def _case_path(spec: specs.Spec) -> str:
    return str(getattr(spec, "case", ""))
