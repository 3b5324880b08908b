"""A model that AscendCL has loaded, and its description."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench_acl import _om
from lpbench_acl._calls import AclError
from lpbench_acl._memory import ModelMemory, device_memory

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.kit.resources import Resources
    from lpbench_acl._lane import Lane

AGAIN = (
    "a model runs on the kind of NPU that it was converted for, with a CANN not older than the one that converted it: "
    "convert it here, from its ONNX file: lpbench convert APP --to om"
)


@dataclass(frozen=True)
class LoadedModel:
    """A model in the context that was in force when it was loaded, where alone it can run and be unloaded.

    :param number: AscendCL's number of it.
    :param description: Handle of its description.
    :param size: Bytes of its file.
    :param memory: What it takes of the NPU's.
    """

    path: Path
    number: int
    description: int
    size: int
    memory: ModelMemory


def load(lane: Lane, path: Path, resources: Resources) -> LoadedModel:
    """Load a model's file.

    :param resources: Takes over the model.
    :raises EngineError: The file is none, or is for another kind of NPU, or there is not enough memory.
    """
    calls = lane.calls
    if wrong := _om.problem(path):
        raise EngineError(f"the model {wrong[0]}", hint=wrong[1])
    size = path.stat().st_size
    before = device_memory(calls)
    number = _loaded(lane, path)
    resources.add(calls.prepared("mdl.unload", number))
    description = calls.handle("mdl.create_desc")
    resources.add(calls.prepared("mdl.destroy_desc", description))
    calls.call("mdl.get_desc", description, number)
    after = device_memory(calls)
    opening = before[0] - after[0] if before and after else 0
    return LoadedModel(path, number, description, size, ModelMemory(calls, path, opening))


def _loaded(lane: Lane, path: Path) -> int:
    """Return the number of a model; whether a model suits an NPU of another name is for AscendCL to say."""
    try:
        return lane.calls.number("mdl.load_from_file", os.fspath(path))
    except AclError as error:
        if error.hint:
            raise
        if wrong := _om.problem(path, lane.soc):
            error.what, error.hint = f"the model {wrong[0]}: {error.what}", wrong[1]
        error.hint = error.hint or AGAIN
        raise
