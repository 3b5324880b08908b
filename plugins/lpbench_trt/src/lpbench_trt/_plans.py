"""Plans, which are TensorRT's compiled models: given as files, taken from the cache, or built."""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpbench.errors import LpbenchError
from lpbench.plugin import progress
from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.untrusted import open_regular, read_regular
from lpbench.util import atomic_folders
from lpbench_trt import _custom, _devices, _options, _precisions, _sources
from lpbench_trt._build import build
from lpbench_trt._library import library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lpbench.plugin.engine import Model, Shapes
    from lpbench_trt._build import Built
    from lpbench_trt._cuda import Device
    from lpbench_trt.config import TensorrtConfig

PLAN, NOTE = "model.plan", "plan.json"
NOTE_LIMIT = 1 << 24
"""Most bytes of what is noted beside a plan."""
LENGTH_BYTES = 4
WAITING = "waiting for another process, which builds the same plan"


@dataclass(frozen=True)
class Plan:
    """A serialised engine.

    :param content: The bytes.
    :param path: The file that holds them, for errors; None if there is none.
    :param from_cache: Whether it was built before; None for a plan file of the user's, of which that is not known.
    :param build_s: Seconds that the build took, also if that was before; None for a plan file.
    :param facts: What building told, as JSON values: ``tf32``, ``optimized_for``, ``dla_fallback_layers``, and
        ``plan_not_kept``, why it is not in the cache.
    """

    content: bytes | memoryview | mmap.mmap
    path: Path | None = None
    from_cache: bool | None = None
    build_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def obtain(model: Model, config: TensorrtConfig, shapes: Shapes) -> Plan:
    """Return the plan of a model; builds it, in this process, if it is neither given nor in the cache.

    Selects the config's GPU for this thread, and loads the libraries with custom layers.

    :raises EngineError: The model cannot be read or built as requested; the error names the file.
    """
    device = _devices.select(config.gpu)
    _custom.load(config.plugins)
    if model.format == "plan":
        _options.refuse_for_plan(config)
        return Plan(_without_text(_content(model.path)), model.path)
    options = _options.of(config, config.precision)
    _precisions.check(options)
    timings = timings_key(device) if config.timing_cache else ""
    if not config.plan_cache:
        return _plan(build(model, options, shapes, timings))
    parts = {
        **_place(device),
        "model": _sources.digest(model),
        "options": options.values(),
        "shapes": {name: list(shape) for name, shape in shapes.items()},
        "stated": {info.name: list(info.shape) for info in model.inputs},
        "plugins": [hashlib.sha256(_content(path)).hexdigest() for path in _custom.paths(config.plugins)],
    }
    return _cached(_key(parts), model, options, shapes, timings)


def timings_key(device: Device | None) -> str:
    """Return the name under which a device's timings are kept; empty without a device."""
    return _key(_place(device)) if device else ""


def _place(device: Device) -> dict[str, str]:
    """Return what of this machine a plan depends on."""
    here = library()
    return {"library": here.name, "version": here.version, "device": device.name, "capability": device.capability}


def _key(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _plan(built: Built, reason: str = "") -> Plan:
    facts = {**built.facts, "plan_not_kept": reason} if reason else built.facts
    return Plan(built.content, None, from_cache=False, build_s=built.build_s, facts=facts)


def _cached(key: str, model: Model, options: _options.BuildOptions, shapes: Shapes, timings: str) -> Plan:
    """Return the plan from the cache, or build it into the cache; of two processes, one builds and one waits."""
    folder = atomic_folders.cache_folder() / "plans"
    try:
        with atomic_folders.locked(folder, key, waiting=lambda: progress.report(WAITING)):
            atomic_folders.sweep(folder, key)
            found = _read(folder / key)
            if found is not None:
                return found
            built = build(model, options, shapes, timings)
            return _plan(built, _keep(built, folder / key))
    except OSError as error:
        what = f"lpbench's cache for plans cannot be used: {error.strerror or error}"
        raise EngineError(what, where=str(folder), hint="give the option plan_cache=false, or repair it") from error


def _keep(built: Built, target: Path) -> str:
    """Write a plan into the cache; return why it is not there, as on a full disk; empty if it is."""
    note = {"sha256": hashlib.sha256(built.content).hexdigest(), "build_s": built.build_s, "facts": built.facts}
    try:
        with atomic_folders.staging(target.parent, target.name) as stage:
            new = stage / "new"
            new.mkdir()
            (new / PLAN).write_bytes(built.content)
            (new / NOTE).write_text(json.dumps(note), encoding="utf-8")
            atomic_folders.install(new, target, stage)
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _read(folder: Path) -> Plan | None:
    """Return a plan of the cache; None if there is none, or it is damaged."""
    try:
        note = json.loads(read_regular(folder / NOTE, limit=NOTE_LIMIT))
        content = _content(folder / PLAN)
        if hashlib.sha256(content).hexdigest() == note["sha256"]:
            return Plan(
                content, folder / PLAN, from_cache=True, build_s=float(note["build_s"]), facts=dict(note["facts"])
            )
    except (LpbenchError, OSError, ValueError, TypeError, KeyError):
        return None
    return None


def _without_text(content: mmap.mmap) -> memoryview:
    """Return a plan without the text that Ultralytics writes before it: a length in 4 bytes, and JSON of so many."""
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
    text = content[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and content[end - 1 : end] == b"}"
    return memoryview(content)[end if text else 0 :]


def _content(path: Path) -> mmap.mmap:
    """Return the content of a file without reading it.

    :raises EngineError: It is empty, missing or not a regular file.
    """
    with open_regular(path, error=EngineError) as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise EngineError("is empty", where=str(path), hint="fetch or build it again") from error
        except OSError as error:
            raise EngineError(f"cannot be read: {error.strerror}", where=str(path)) from error
