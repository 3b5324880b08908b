"""Finds devices by running a small model on each; runs in a child process, because drivers may crash."""

from __future__ import annotations

from typing import Any

import openvino

from lpbench.plugin.engine import EngineError
from lpbench.util.atomic_folders import temporary
from lpbench_openvino import _devices
from lpbench_openvino._engine import OpenvinoEngine
from lpbench_openvino.case import case
from lpbench_openvino.config import AUTO, OpenvinoConfig, unit


def probe() -> dict[str, Any]:
    """Return ``version``, usable ``devices``, their names and precisions, ``unusable`` ones and ``hints`` for them."""
    core = openvino.Core()
    here = [name for name in core.available_devices if name.partition(".")[0] in _devices.KINDS]
    absent = [kind for kind in _devices.KINDS if not any(name.partition(".")[0] == kind for name in here)]
    unusable = {name: _devices.unusable(core, name) for name in absent} | {name: _problem(name) for name in here}
    usable = [name for name in here if not unusable[name]]
    return {
        "version": openvino.get_version().partition("-")[0],
        "devices": [unit(name) for name in usable],
        "names": {unit(name): core.get_property(name, "FULL_DEVICE_NAME") for name in usable},
        "capabilities": {unit(name): list(core.get_property(name, "OPTIMIZATION_CAPABILITIES")) for name in usable},
        "unusable": {unit(name): reason for name, reason in unusable.items() if reason},
        "hints": {unit(name): _devices.DRIVERS[name] for name in absent if name in _devices.DRIVERS},
    }


def _problem(device: str) -> str:
    """Return why a model does not run on a device, or an empty string."""
    with temporary("openvino") as folder:
        conformance_case = case(folder, {})
        config = OpenvinoConfig(device=device, precision=AUTO)
        try:
            with OpenvinoEngine().open(conformance_case.model, config, shapes=conformance_case.shapes) as session:
                session.run(conformance_case.feeds)
        except EngineError as error:
            return error.what
    return ""
