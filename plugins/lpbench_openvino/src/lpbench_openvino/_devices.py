"""The devices that OpenVINO finds here."""

from __future__ import annotations

import re
from typing import Any

from lpbench.plugin.engine import EngineError
from lpbench_openvino._text import plain_words
from lpbench_openvino.config import unit

KINDS = ("CPU", "GPU", "NPU")
LINKER = re.compile(r'Cannot load library ".*?": (.*)')


def require(core: Any, target: str, asked: str) -> None:
    """Refuse a device that is not here.

    :param target: As OpenVINO writes it.
    :param asked: As the user wrote it.
    :raises EngineError: With the reason and the devices that there are.
    """
    problem = "" if target == "CPU" else unusable(core, target)
    if problem:
        raise EngineError(
            f'device "{asked}" is not usable: {problem}', hint=f"here: {', '.join(map(unit, core.available_devices))}"
        )


def unusable(core: Any, target: str) -> str:
    """Return why a device cannot be used, or an empty string."""
    kind = target.partition(".")[0]
    known = [name for name in core.available_devices if name.partition(".")[0] == kind]
    if target in known or (known and target in {kind, f"{kind}.0"}):
        return ""
    return _library_problem(core, kind) or f"OpenVINO finds no {unit(target)}"


def _library_problem(core: Any, kind: str) -> str:
    """Return the dynamic linker's words for a plugin of OpenVINO's that cannot be loaded, else an empty string."""
    try:
        core.get_property(kind, "FULL_DEVICE_NAME")
    except RuntimeError as error:
        found = LINKER.search(plain_words(error))
        return found[1] if found else ""
    return ""
