"""Fixtures of the core's tests; none needs more than pytest."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import venv
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.plugin import registry
from lpbench.testing.setups import installed, write_app, write_distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
FAKES = HERE / "fakes"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, tried: Path) -> None:
    """Keep results and caches of the tests out of the user's folders."""
    place = tmp_path_factory.mktemp("home")
    shutil.copytree(tried, place / "cache")
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as for a pipe, whatever the width of the terminal that runs the tests; pytest-xdist sets one."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def fakes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """Install the fake plugin for this process and for workers, and return the registry that has found it."""
    with installed("fakes", FAKES, tmp_path_factory.mktemp("site"), monkeypatch) as found:
        yield found


@pytest.fixture
def formulas(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """Install the plugin with a converter between two engines' formats, likewise."""
    pytest.importorskip("numpy", reason="needs numpy")
    with installed("formulas", FAKES, tmp_path_factory.mktemp("site"), monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def sloppy_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the plugin that breaks the contract that SLOPPY names, for this process and those it starts."""
    patch = pytest.MonkeyPatch()
    patch.delenv("SLOPPY", raising=False)
    with installed("sloppy", HERE / "sloppy", tmp_path_factory.mktemp("site"), patch):
        yield


@pytest.fixture
def fake_app(fakes: registry.Registry, tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of apps for the fake engine: ``make(work_us=100, at="run", do="crash")``."""
    assert "fake" in fakes.all(registry.ENGINES), fakes.failures

    def make(
        name: str = "numbers", *, numbers: tuple[str, ...] = ("1", "2", "3"), engine: str = "", **orders: Any
    ) -> Path:
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        for index, number in enumerate(numbers):
            (folder / "samples" / f"{index}.txt").write_text(number, encoding="ascii")
        (folder / "model.fake").write_text(json.dumps(orders), encoding="ascii")
        return write_app(
            folder,
            {"fake": {"file": "model.fake"}},
            name="doubler",
            pre={"type": "text", "offset": 5},
            post={"type": "text"},
            labels=["even", "odd"],
            engine=engine,
            samples=["samples"],
        )

    return make


@pytest.fixture(scope="session")
def pretended() -> Any:
    """Return the module of sweeps that measure nothing."""
    spec = importlib.util.spec_from_file_location("pretended", HERE / "jobs" / "sweep" / "pretended.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pretended"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ledger(pretended: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have sweeps measure nothing, and return what they would have measured."""
    found = pretended.Ledger(tmp_path / "ledger")
    monkeypatch.setattr("lpbench.jobs.sweep._sweep.measure", found)
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of Python environments beside this one: ``make("old", plugin="fakes", code="import os")``.

    Each has lpbench, pluggy and a fake plugin, and nothing of what is installed here.  ``code`` runs whenever its
    Python starts; ``version`` is the plugin's.
    """
    import pluggy

    def make(name: str, *, plugin: str = "fakes", code: str = "", version: str = "1.0", core: bool = True) -> Path:
        folder = tmp_path / name
        venv.EnvBuilder(symlinks=True).create(folder)
        site = next((folder / "lib").glob("python*/site-packages"))
        (site / "pluggy").symlink_to(Path(pluggy.__file__).parent)
        if core:
            (site / "here.pth").write_text(f"{HERE.parent / 'src'}\n", encoding="utf-8")
        if plugin:
            (site / f"lpbench_{plugin}").symlink_to(FAKES / f"lpbench_{plugin}")
            info = write_distribution(site, f"lpbench_{plugin}", plugin=plugin)
            metadata = (info / "METADATA").read_text(encoding="utf-8")
            (info / "METADATA").write_text(metadata.replace("Version: 1.0", f"Version: {version}"), encoding="utf-8")
        (site / "sitecustomize.py").write_text(code, encoding="utf-8")
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
def extras(site: Path) -> dict[str, dict[str, str]]:
    """Install the core's entry points as pip would make them of pyproject.toml, and return those about extras."""
    text = (HERE.parent / "pyproject.toml").read_text(encoding="utf-8")
    groups = re.findall(r'^\[project\.entry-points\."(lpbench\.extras[\w.]*)"\]$', text, flags=re.MULTILINE)
    found = {group: _section(text, f'project.entry-points."{group}"') for group in groups}
    info = site / "lpbench_extras-1.0.dist-info"
    info.mkdir()
    lines = [line for group, table in found.items() for line in (f"[{group}]", *map(" = ".join, table.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lpbench-extras\nVersion: 1.0\n", encoding="utf-8")
    return found


def _section(text: str, name: str) -> dict[str, str]:
    """Return a section of TOML with texts alone; Python 3.10 has no reader for TOML."""
    _, _, rest = text.partition(f"\n[{name}]\n")
    return dict(re.findall(r'^([\w-]+) = "([\w-]+)"$', rest.partition("\n[")[0], flags=re.MULTILINE))


@pytest.fixture
def core_only(extras: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin is installed, as after ``pip install lpbench`` alone."""
    assert extras
    monkeypatch.setattr(registry, "entry_points", lambda: ([], []))
    registry.refresh()


@pytest.fixture
def install(site: Path) -> Callable[..., Path]:
    """Install a plugin as pip would leave it: a module, its metadata and its entry point.

    ``install("acme", source)`` installs distribution lpbench-acme 1.0 with module ``acme`` as plugin ``acme``.
    """

    def installer(module: str, source: str, *, plugin: str = "", distribution: str = "", metadata: bool = True) -> Path:
        (site / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        name = distribution or f"lpbench-{module}"
        return write_distribution(site, module, plugin=plugin, name=name, metadata=metadata)

    return installer
