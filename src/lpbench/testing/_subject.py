"""What the checks look at: a thing that a plugin offers, the case for it and a folder to write in."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lpbench.errors import PluginError
from lpbench.plugin import registry, specs
from lpbench.testing._checks import NotApplicable, NotReady, require
from lpbench.testing.cases import Case, EngineCase, MonitorCase, PostprocessorCase, PreprocessorCase
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Engine, Model, Session
    from lpbench.plugin.monitor import Monitor
    from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample

C = TypeVar("C", bound=Case)
S = TypeVar("S", bound=specs.Spec)


class Subject(Generic[S, C]):
    """A thing under test, found as lpbench finds it: through its entry point.

    :param kind: Engines, preprocessors, postprocessors or monitors.
    :param make_case: Makes the case when a check first needs it.
    :param folder: Where this one check may write; empty.
    :raises UnknownNameError: No plugin offers the name.
    """

    def __init__(self, kind: registry.Kind[S], name: str, make_case: Callable[[S], C], folder: Path) -> None:
        self.kind = kind
        found = registry.current()
        self.offer = found.all(kind).get(name) or found.get(kind, name)
        self.spec = self.offer.spec
        plugin = found.manager.get_plugin(self.offer.plugin)
        self.module = str(getattr(plugin, "__name__", ""))
        self.folder = folder
        self._make_case = make_case

    @functools.cached_property
    def case(self) -> C:
        """The case; making it is the first thing that may need the library."""
        available = self.offer.availability()
        if not available:
            raise NotReady(f"needs {self.spec.name}: {available.reason}")
        return self._make_case(self.spec)

    def failures(self) -> list[str]:
        """Return what went wrong with the plugin, whatever it offers."""
        found = registry.current()
        for each in registry.KINDS:
            found.all(each)
        return [str(each) for each in found.failures if each.plugin == self.offer.plugin]

    @property
    def config_path(self) -> str:
        """Import path of the config, empty where the spec names none."""
        return str(getattr(self.spec, "config", ""))

    def config_class(self) -> type[Any]:
        """Return the class of the config.

        :raises NotApplicable: The spec names none.
        """
        if not self.config_path:
            raise NotApplicable("it has no options")
        found: type[Any] = specs.load(self.config_path, who=self.spec.name)
        require(dataclasses.is_dataclass(found), f"{self.config_path} is no dataclass")
        return found

    def options(self) -> dict[str, dataclasses.Field[Any]]:
        """Return the fields of the config by name; empty where there is none."""
        return {each.name: each for each in dataclasses.fields(self.config_class())} if self.config_path else {}

    def implementation(self) -> Any:
        """Return what the spec names."""
        return self.spec.load()


class EngineSubject(Subject[specs.EngineSpec, EngineCase]):
    """An engine, opened as the runner opens it."""

    def engine(self) -> Engine[Any]:
        """Return a new engine."""
        found: Engine[Any] = self.implementation()()
        return found

    def settings(self, options: Mapping[str, Any]) -> Any:
        """Return the config with the case's options and further ones; None where the engine has none."""
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
        """Open the case's model, or another one, with further options."""
        case = self.case
        shapes = case.shapes if model is None else {}
        settings = self.settings(options or {})
        return (engine or self.engine()).open(model or case.model, settings, shapes=shapes, profile=profile)

    def one_thread(self) -> dict[str, Any]:
        """Return the option that asks for one thread, where there is one."""
        return {"threads": 1} if "threads" in self.options() else {}

    def changed_model(self, content: bytes, word: str) -> Model:
        """Return the case's model with other bytes in its main file."""
        model = self.case.model
        path = self.folder / f"{word}{suffix(self.spec, model)}"
        path.write_bytes(content)
        return dataclasses.replace(model, path=path)


class PreprocessorSubject(Subject[specs.ProcessorSpec, PreprocessorCase]):
    """A preprocessor, built as the runner builds it."""

    def build(self) -> Preprocessor[Any]:
        """Return a new preprocessor for the case's inputs."""
        case = self.case
        settings = dataclass_config.build(self.config_class(), case.config) if self.config_path else None
        found: Preprocessor[Any] = self.implementation()(settings, case.inputs)
        return found

    def samples(self, preprocessor: Preprocessor[Any]) -> list[Sample]:
        """Return two samples that differ."""
        if self.case.samples:
            return [preprocessor.load(path) for path in self.case.samples[:2]]
        return [preprocessor.generate(index, 0) for index in range(2)]


class PostprocessorSubject(Subject[specs.ProcessorSpec, PostprocessorCase]):
    """A postprocessor, built as the runner builds it."""

    def build(self) -> Postprocessor[Any]:
        """Return a new postprocessor for the case's outputs."""
        case = self.case
        settings = dataclass_config.build(self.config_class(), case.config) if self.config_path else None
        found: Postprocessor[Any] = self.implementation()(settings, case.outputs, case.labels)
        return found


class MonitorSubject(Subject[specs.MonitorSpec, MonitorCase]):
    """A monitor."""

    def build(self) -> Monitor:
        """Return a new monitor."""
        found: Monitor = self.implementation()()
        return found


def suffix(spec: specs.EngineSpec, model: Model) -> str:
    """Return the file ending by which the engine knows the model's format."""
    fitting = [each for each in spec.formats.get(model.format, ()) if model.path.name.endswith(each)]
    return max(fitting, key=len, default=model.path.suffix)


def named_case(spec: specs.EngineSpec, folder: Path, options: Mapping[str, Any]) -> EngineCase:
    """Return the case that the engine's spec names, made in ``folder``.

    :raises PluginError: It names none, or what it names makes none.
    """
    if not spec.case:
        what = f'engine "{spec.name}" names no case to check it with'
        hint = f'give a model: lpbench check {spec.name} --model FILE, or EngineSpec(case="module:function")'
        raise PluginError(what, hint=hint)
    made = specs.load(spec.case, who=spec.name)(folder, options)
    if not isinstance(made, EngineCase):
        raise PluginError(f"{spec.case} returned {type(made).__name__}; expected an EngineCase")
    return dataclasses.replace(made, options={**made.options, **options})
