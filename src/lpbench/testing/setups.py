"""For tests: an app around models, a plugin that looks installed, code in other processes and threads."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.plugin import registry
from lpbench.testing import _process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

T = TypeVar("T")

TENSORS = {"type": "tensors"}
"""The processor that hands on arrays as they are."""
SECONDS = 120
"""How long code in another process may take."""


def write_app(  # noqa: PLR0913 - the parts of a config
    folder: Path,
    models: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    name: str = "net",
    pre: Mapping[str, Any] = TENSORS,
    post: Mapping[str, Any] = TENSORS,
    engine: str = "",
    **keys: Any,
) -> Path:
    """Write the config of an app with one component; returns the folder.

    :param folder: An existing folder, which holds the models.
    :param models: The component's models by format, for example ``{"onnx": {"file": "model.onnx"}}``, or as a list.
    :param engine: The engine that the app names.
    :param keys: Further keys of the config, for example ``samples=["samples"]``.
    """
    inference = {**({"engine": engine} if engine else {}), "models": models}
    component = {"name": name, "preprocessing": pre, "inference": inference, "postprocessing": post}
    config = {"schema_version": 1, "ai_app_class": "signal_processing", "components": [component], **keys}
    (folder / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def write_distribution(site: Path, module: str, *, plugin: str = "", name: str = "", metadata: bool = True) -> Path:
    """Write metadata and entry point of a plugin as pip would; returns the folder that holds them.

    :param site: An existing folder on the module search path, or to be put there.
    :param module: The hook module; it may lie elsewhere.
    :param plugin: Name of the entry point; by default the module's.
    :param name: Name of the distribution, version 1.0; by default ``lpbench-PLUGIN``.
    :param metadata: False leaves the distribution without name and version, as broken installations are.
    """
    plugin = plugin or module
    name = name or f"lpbench-{plugin}"
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(f"[lpbench]\n{plugin} = {module}\n", encoding="utf-8")
    if metadata:
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    importlib.invalidate_caches()
    return info


@contextlib.contextmanager
def installed(plugin: str, modules: Path, site: Path, patch: pytest.MonkeyPatch) -> Iterator[registry.Registry]:
    """Install the plugin ``lpbench_PLUGIN`` for this process and those that it starts; yields the registry.

    :param modules: The folder that holds the module or package.
    :param site: An empty folder for the metadata.
    :param patch: Changes the search paths; all that it has changed is undone at the end.
    """
    write_distribution(site, f"lpbench_{plugin}", plugin=plugin)
    places = [str(modules), str(site)]
    for each in places:
        patch.syspath_prepend(each)
    before = os.environ.get("PYTHONPATH")
    patch.setenv("PYTHONPATH", os.pathsep.join([*places, before] if before else places))
    yield registry.refresh()
    patch.undo()
    registry.refresh()


def python(
    code: str,
    environment: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    without: Collection[str] = (),
) -> str:
    """Run code in a Python process of its own, which must succeed; returns what it printed.

    :param environment: Variables that the process gets besides this one's, for example a spec's ``environment``.
    :param home: A folder, made if need be, that the process takes for the user's, with caches and settings in it.
    :param without: Variables of this process that the other one does not get.
    """
    variables = {key: value for key, value in os.environ.items() if key not in without}
    if home:
        home.mkdir(exist_ok=True)
        folders = {"XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data"}
        variables |= {"HOME": str(home), **{key: str(home / folder) for key, folder in folders.items()}}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={**variables, **(environment or {})}, capture_output=True, text=True, check=True, timeout=SECONDS
    ).stdout


def side_by_side(*calls: Callable[[], T], times: int = 50) -> list[T]:
    """Make each call repeatedly in a thread of its own, all at once; returns every answer, in any order.

    :raises BaseException: Of the first call that raises one.
    """
    answers: list[T] = []

    def work(call: Callable[[], T]) -> None:
        answers.extend(call() for _ in range(times))

    waits = [_process.in_a_thread(partial(work, call)) for call in calls]
    for wait in waits:
        wait()
    return answers
