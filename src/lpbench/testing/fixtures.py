"""For tests of a plugin with pytest: functions that make fixtures.

In ``conftest.py`` or in a file of tests; the name that it is given is the fixture's name::

    from lpbench.testing import fixtures

    import lpbench_acme

    spec = fixtures.engine_spec(lpbench_acme, "acme")
    open_session = fixtures.opener(lpbench_acme, "acme", threads=1)

    def test_double(open_session, tmp_path):
        session = open_session(tmp_path / "double.acme")

The specs are those of the module that is passed, whether the plugin is installed or not.
Pytest is imported by these functions, not with this module.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lpbench.plugin import registry
from lpbench.plugin.converter import ConversionError
from lpbench.plugin.engine import EngineError, Model
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    import pytest

    from lpbench.plugin.converter import Converter
    from lpbench.plugin.engine import Session, Shapes, TensorInfo
    from lpbench.plugin.specs import ConverterSpec, EngineSpec

CACHE = os.environ.get("XDG_CACHE_HOME", "")
"""The user's cache as it was before any test replaced it: what converters fetch is pinned and shared by all runs."""


class Opener:
    """Opens models as a worker does, and keeps the sessions so that they can be closed.

    The format of a model follows from the ending of its file, and is the engine's first format if none fits.

    :param plugin: The hook module of the plugin, and the name of its engine.
    :param options: Options that every session gets unless the call has others.
    """

    def __init__(self, plugin: ModuleType, name: str, /, **options: object) -> None:
        self.spec: EngineSpec = alone(plugin).get(registry.ENGINES, name).spec
        self.options = options
        self.sessions: list[Session] = []

    def __call__(  # noqa: PLR0913 - the parts of a model, and how it is opened
        self,
        path: Path,
        shapes: Shapes | None = None,
        extra: Sequence[Path] = (),
        inputs: Sequence[TensorInfo] = (),
        outputs: Sequence[TensorInfo] = (),
        *,
        profile: bool = False,
        **options: object,
    ) -> Session:
        """Open a model file.

        :param shapes: Shapes to fix, by input name.
        :param extra: Further files of the model.
        :param inputs: What the app says of the inputs; ``outputs`` likewise.
        :param profile: Prepare ``Session.profile``.
        """
        model = Model(self._format(path), path, tuple(extra), tuple(inputs), tuple(outputs))
        engine = self.spec.load()()
        return self._kept(engine.open(model, self._config(options), shapes=shapes or {}, profile=profile))

    def exposed(self, path: Path, shapes: Shapes | None = None, **options: object) -> Session:
        """Open a model file with every intermediate tensor among its outputs."""
        model = Model(self._format(path), path)
        return self._kept(self.spec.load()().open_exposed(model, self._config(options), shapes=shapes or {}))

    def refused(self, path: Path, shapes: Shapes | None = None, **given: Any) -> str:
        """Require that opening raises an EngineError that names the file; return its text."""
        import pytest

        with pytest.raises(EngineError) as caught:
            self(path, shapes, **given)
        text = str(caught.value)
        if path.name not in text:
            pytest.fail(f"the error does not name {path.name}: {text}")
        return text

    def close(self) -> None:
        """Close every session that was opened, also those that the test has closed."""
        for session in self.sessions:
            session.close()

    def _format(self, path: Path) -> str:
        formats = self.spec.formats
        return next((name for name, endings in formats.items() if path.suffix.lower() in endings), next(iter(formats)))

    def _config(self, options: Mapping[str, object]) -> Any:
        config = load(self.spec.config, who=self.spec.name)
        return dataclass_config.build(config, {**self.options, **options}, where=f"options of {self.spec.name}")

    def _kept(self, session: Session) -> Session:
        self.sessions.append(session)
        return session


def alone(plugin: ModuleType) -> registry.Registry:
    """Return a registry that holds only this plugin, given by its hook module; errors in its hooks are raised."""
    found = registry.Registry(strict=True)
    found.add(plugin.__name__, plugin)
    return found


def engine_spec(plugin: ModuleType, name: str) -> Any:
    """Make a fixture that returns the spec of one of the plugin's engines."""
    import pytest

    @pytest.fixture
    def spec() -> EngineSpec:
        return alone(plugin).get(registry.ENGINES, name).spec

    return spec


def opener(plugin: ModuleType, name: str, /, **options: object) -> Any:
    """Make a fixture that returns an ``Opener`` of an engine, and closes every session after the test.

    :param options: Options that every session gets unless the test passes others, for example ``threads=1``.
    """
    import pytest

    @pytest.fixture
    def open_session() -> Iterator[Opener]:
        opened = Opener(plugin, name, **options)
        yield opened
        opened.close()

    return open_session


def converter_spec(plugin: ModuleType, name: str) -> Any:
    """Make a fixture that returns the spec of one of the plugin's converters."""
    import pytest

    @pytest.fixture
    def spec() -> ConverterSpec:
        return alone(plugin).get(registry.CONVERTERS, name).spec

    return spec


def converter(plugin: ModuleType, name: str, needs: Mapping[str, str] | None = None) -> Any:
    """Make a fixture that returns a converter that is ready; what it fetches is kept in the user's cache.

    The test is skipped if the registry cannot be reached from here.

    :param needs: Further reasons to skip: words of the error that ``prepare`` raises, and what is needed then.
    """
    import pytest

    unmet = {**(needs or {}), "cannot be reached": "needs network"}

    @pytest.fixture
    def converter(monkeypatch: pytest.MonkeyPatch) -> Converter:
        monkeypatch.setenv("XDG_CACHE_HOME", CACHE)
        made: Converter = alone(plugin).get(registry.CONVERTERS, name).spec.load()()
        try:
            made.prepare()
        except ConversionError as error:
            for words, need in unmet.items():
                if words in error.what:
                    pytest.skip(f"{need}: {error.what}")
            raise
        return made

    return converter


def in_folder(kind: Callable[[Path], object]) -> Any:
    """Make a fixture that returns ``kind(folder)`` with the test's temporary folder, for example of ``OnnxModels``."""
    import pytest

    @pytest.fixture
    def models(tmp_path: Path) -> object:
        return kind(tmp_path)

    return models
