"""What on this machine keeps AscendCL from an NPU, by files: the driver's device nodes, their owner, its version.

A failed call says a code; which of these it was, the code does not say.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lpbench_acl import _cann

if TYPE_CHECKING:
    from collections.abc import Iterator

MANAGER = "dev/davinci_manager"
NODES = ("dev/davinci[0-9]*", "dev/devmm_svm", "dev/hisi_hdc")
"""Nodes of NPUs, of their memory, and of the connection to them; boards have others in place of the last two."""
CONTAINERS = (".dockerenv", "run/.containerenv")
DRIVER = "usr/local/Ascend/driver/version.info"
IN_CONTAINER = (
    "start the container with --device=/dev/davinci0 --device=/dev/davinci_manager --device=/dev/devmm_svm "
    "--device=/dev/hisi_hdc -v /usr/local/Ascend/driver:/usr/local/Ascend/driver, or with Ascend Docker Runtime"
)
IN_GROUP = "sudo usermod -aG HwHiAiUser $USER, then log in again; in a container add --group-add, or run as root"
INSTALL = "install the NPU's driver and firmware, then restart; npu-smi info lists the NPUs when they work"
LINE = re.compile(r"^(\w+)=(.{1,400})$", re.MULTILINE)
GENERATION = re.compile(r"V\d+R\d+C\d+", re.ASCII)
"""Matches what the driver's list of CANNs that it supports, and CANN's internal version, have in common."""


class Obstacle(NamedTuple):
    """What is in the way, and what to do."""

    what: str
    hint: str


def obstacles(root: Path = Path("/")) -> Iterator[Obstacle]:
    """Yield what is in the way of using an NPU, the likeliest cause first.

    :param root: Where the files of the machine lie.
    """
    if missing := _missing_node(root):
        if any((root / each).exists() for each in CONTAINERS):
            yield Obstacle(f"there is no {missing} in this container", IN_CONTAINER)
        else:
            yield Obstacle(f"there is no {missing}", INSTALL)
        return
    if locked := [each for each in _nodes(root) if not os.access(each, os.R_OK | os.W_OK)]:
        yield Obstacle(f"this user may not use {locked[0]}", IN_GROUP)
    yield from _old_driver(root)


def driver_version(root: Path = Path("/")) -> str:
    """Return the version of the NPU's driver; empty where no file states it."""
    told = _facts(root / DRIVER).get("Version", "")
    return told if _cann.NUMBER.fullmatch(told) else ""


def _missing_node(root: Path) -> str:
    if not (root / MANAGER).exists():
        return f"/{MANAGER}"
    return "" if any(root.glob(NODES[0])) else "/dev/davinci0"


def _nodes(root: Path) -> Iterator[Path]:
    yield root / MANAGER
    for pattern in NODES:
        yield from sorted(root.glob(pattern))


def _old_driver(root: Path) -> Iterator[Obstacle]:
    """Yield that the driver does not list the installed CANN among those that it supports."""
    driver = _facts(root / DRIVER)
    supported = GENERATION.findall(driver.get("compatible_version", ""))
    generation = GENERATION.match(_cann.internal_version())
    if supported and generation and generation[0] not in supported:
        yield Obstacle(
            f"the NPU's driver {driver_version(root)} does not list CANN {_cann.version()} as compatible",
            "install the driver that belongs to this CANN, usually a newer one, or a CANN that the driver lists",
        )


def _facts(path: Path) -> dict[str, str]:
    """Return the lines ``key=value`` of a file; none where it cannot be read."""
    return {name: value.strip() for name, value in LINE.findall(_cann.text(path))}
