"""What several tests of the core need."""

from __future__ import annotations

import importlib
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from lpbench import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Install = Callable[..., Path]


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
def install(site: Path) -> Install:
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
