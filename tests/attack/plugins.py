"""Plugins: names of new ones, and what installed packages say of theirs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from tests.attack import command_line
from tests.attack.kinds import Kind, command, text_of

from lpbench.errors import LpbenchError
from lpbench.plugin import registry
from lpbench.plugin.kit import scaffold
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

NAMES = (
    "acme",
    "lpbench-acme",
    "acme-npu",
    "class",
    "a-1",
    "lpbench-",
    "lpbench-lpbench-a",
    "none",
    "con",
    "a--b",
    "-a",
    "a-",
    "Ä",
)
POINTS = (
    "[lpbench]\nacme = attacked_plugin\n",
    "[lpbench]\nacme = attacked_plugin\nother = attacked_plugin:plugin\n\n[lpbench.extras]\nacme = ort\n",
    "[console_scripts]\nx = y:z\n\n[lpbench.extras.endings]\nonnx = ort\n\n[lpbench.extras.kinds]\nengine = ort\n",
)
METADATA = "Metadata-Version: 2.1\nName: lpbench-acme\nVersion: 1.0\nSummary: x\n"
MODULE = """\
import lpbench

plugin = object()


@lpbench.hookimpl
def lpbench_register_engines(register):
    register(lpbench.EngineSpec("acme", "attacked_plugin:Engine", formats={"acme": (".acme",)}))
"""


class Names(Kind):
    """Names of new plugins."""

    name: ClassVar[str] = "plugin-names"

    def write(self, random: Random, folder: Path) -> None:
        """Write a name."""
        name = random.choice((*NAMES, *command_line.WORDS))
        if random.random() < 0.5:
            name = mutations.mutated(name.encode(errors="replace"), random).decode(errors="replace")
        (folder / "name.txt").write_text(name, encoding="utf-8", errors="surrogateescape", newline="")

    def read(self, folder: Path) -> Iterable[str]:
        """Write the plugin's project."""
        name = (folder / "name.txt").read_bytes().decode(errors="surrogateescape")
        yield text_of(scaffold.new_plugin(name, folder / "project"))
        written = [path for path in (folder / "project").rglob("*") if path.is_file()]
        assert written
        for path in written:
            if path.suffix == ".py":
                compile(path.read_text(encoding="utf-8"), str(path), "exec")


class EntryPoints(Kind):
    """Metadata of an installed package."""

    name: ClassVar[str] = "entry-points"
    starts: ClassVar[bool] = True  # a new plugin is tried in a process of its own
    weight: ClassVar[float] = 3.0

    def write(self, random: Random, folder: Path) -> None:
        """Write a package whose entry points or metadata are damaged."""
        info = folder / random.choice(("lpbench_acme-1.0.dist-info", "acme.egg-info", "-.dist-info", "a.dist-info"))
        info.mkdir()
        points, metadata = random.choice(POINTS).encode(), METADATA.encode()
        if random.random() < 0.8:
            points = mutations.mutated(points, random)
        if random.random() < 0.4:
            metadata = mutations.mutated(metadata, random)
        (info / "entry_points.txt").write_bytes(points)
        (info / random.choice(("METADATA", "METADATA", "PKG-INFO", "other"))).write_bytes(metadata)
        (folder / "attacked_plugin.py").write_text(MODULE, encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Discover it and list what is installed."""
        sys.path.insert(0, str(folder))
        sys.modules.pop("attacked_plugin", None)
        try:
            found = registry.refresh()
            for kind in registry.KINDS:
                found.all(kind)
            yield str(LpbenchError("unknown", hint=found.broken()))
            yield command(folder, "plugins", "-v")[1]
        finally:
            sys.path.remove(str(folder))


KINDS = (Names, EntryPoints)
