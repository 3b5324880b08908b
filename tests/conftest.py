"""Fixtures of the core's tests; none needs more than pytest."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep results and caches of the tests out of the user's folders."""
    place = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))


@pytest.fixture
def fakes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """Install the fake plugin for this process and for workers, and return the registry that has found it."""
    with _installed("fakes", tmp_path_factory.mktemp("site"), monkeypatch) as found:
        yield found


@pytest.fixture
def formulas(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """Install the plugin with a converter between two engines' formats, likewise."""
    pytest.importorskip("numpy", reason="needs numpy")
    with _installed("formulas", tmp_path_factory.mktemp("site"), monkeypatch) as found:
        yield found


@contextlib.contextmanager
def _installed(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    meta = place / f"lpbench_{name}-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lpbench-{name}\nVersion: 1.0\n", encoding="utf-8")
    (meta / "entry_points.txt").write_text(f"[lpbench]\n{name} = lpbench_{name}\n", encoding="utf-8")
    places = [str(HERE / "fakes"), str(place)]
    for each in places:
        monkeypatch.syspath_prepend(each)
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*places, before] if before else places))
    yield registry.refresh()
    monkeypatch.undo()
    registry.refresh()


@pytest.fixture(scope="module")
def sloppy_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the plugin that breaks the contract that SLOPPY names, for this process and those it starts."""
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("site")
    meta = place / "lpbench_sloppy-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: lpbench-sloppy\nVersion: 1.0\n", encoding="utf-8")
    (meta / "entry_points.txt").write_text("[lpbench]\nsloppy = lpbench_sloppy\n", encoding="utf-8")
    places = [str(HERE / "sloppy"), str(place)]
    for each in places:
        patch.syspath_prepend(each)
    patch.setenv("PYTHONPATH", os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])]))
    patch.delenv("SLOPPY", raising=False)
    registry.refresh()
    yield
    patch.undo()
    registry.refresh()


@pytest.fixture
def fake_app(fakes: registry.Registry, tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of apps for the fake engine: ``make(work_us=100, at="run", do="crash")``."""
    assert "fake" in fakes.all(registry.ENGINES), fakes.failures

    def make(name: str = "numbers", *, numbers: tuple[str, ...] = ("1", "2", "3"), **orders: Any) -> Path:
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        for index, number in enumerate(numbers):
            (folder / "samples" / f"{index}.txt").write_text(number, encoding="ascii")
        (folder / "model.fake").write_text(json.dumps(orders), encoding="ascii")
        component = {
            "name": "doubler",
            "preprocessing": {"type": "text", "offset": 5},
            "inference": {"models": {"fake": {"file": "model.fake"}}},
            "postprocessing": {"type": "text"},
        }
        config = {
            "schema_version": 1,
            "ai_app_class": "signal_processing",
            "labels": ["even", "odd"],
            "components": [component],
            "samples": ["samples"],
        }
        (folder / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    return make


@pytest.fixture(autouse=True)
def _fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the plugins that another one installed, nor what the user's environment says of plugins."""
    monkeypatch.setattr(registry, "_current", None)
    monkeypatch.delenv("LPBENCH_DISABLED_PLUGINS", raising=False)
    monkeypatch.delenv("LPBENCH_STRICT_PLUGINS", raising=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder on sys.path where distributions can be installed; their modules are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Callable[..., Path]:
    """Install a plugin as pip would leave it: a module, its metadata and its entry point.

    ``install("acme", source)`` installs distribution lpbench-acme 1.0 with module ``acme`` as plugin ``acme``.
    """

    def installer(module: str, source: str, *, plugin: str = "", distribution: str = "", metadata: bool = True) -> Path:
        name = distribution or f"lpbench-{module}"
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (site / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        entry = f"[lpbench]\n{plugin or module} = {module}\n"
        (info / "entry_points.txt").write_text(entry, encoding="utf-8")
        if metadata:
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            (info / "METADATA").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return info

    return installer
