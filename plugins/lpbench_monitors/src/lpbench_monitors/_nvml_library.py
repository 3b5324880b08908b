"""NVML through nvidia-ml-py, with a reason wherever it tells nothing.

Functions, error codes and structures are those of NVIDIA's NVML API reference and nvml.h.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin.monitor import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

UPDATE = "update NVIDIA's driver"
REASONS = {
    1: Unavailable("NVML is not initialised: UNINITIALIZED", "failed"),
    2: Unavailable("NVML refuses the question: INVALID_ARGUMENT", "failed"),
    3: Unavailable("the GPU does not tell it: NOT_SUPPORTED", "not-supported"),
    4: Unavailable(
        "NVML does not let this user ask: NO_PERMISSION",
        "no-permission",
        "let this user read /dev/nvidia*, or run as root; the administrator of a cluster may have restricted it",
    ),
    9: Unavailable("NVIDIA's driver is not loaded: DRIVER_NOT_LOADED", "not-here", "sudo modprobe nvidia"),
    10: Unavailable("the driver did not answer NVML: TIMEOUT", "failed"),
    11: Unavailable("the GPU's interrupts do not work: IRQ_ISSUE", "failed", "see dmesg"),
    12: Unavailable(
        "there is no libnvidia-ml.so.1: LIBRARY_NOT_FOUND", "other-machine", "install NVIDIA's driver, which brings it"
    ),
    13: Unavailable("the driver is too old to tell: FUNCTION_NOT_FOUND", "not-here", UPDATE),
    15: Unavailable(
        "the GPU does not answer any more: GPU_IS_LOST", "failed", "see dmesg for its Xid, then restart the machine"
    ),
    16: Unavailable("the GPU needs a reset: RESET_REQUIRED", "failed", "sudo nvidia-smi --gpu-reset"),
    17: Unavailable("the system, or its cgroup, blocks NVML: OPERATING_SYSTEM", "no-permission"),
    18: Unavailable(
        "libnvidia-ml and the loaded driver have different versions: LIB_RM_VERSION_MISMATCH",
        "failed",
        "restart the machine, or reload the kernel's nvidia modules",
    ),
    21: Unavailable("the GPU has no data yet: NO_DATA", "failed"),
    25: Unavailable("the driver is too old to tell: ARGUMENT_VERSION_MISMATCH", "not-here", UPDATE),
    26: Unavailable("the driver does not tell it any more: DEPRECATED", "not-here"),
    27: Unavailable("the driver is not ready: NOT_READY", "failed"),
}
"""By nvmlReturn_t."""
Question = tuple[Any, ...]
"""A function's name and what follows the device."""


class Nvml:
    """The library, from ``open`` to ``close``."""

    def __init__(self) -> None:
        self._module: Any = None
        self._open = False

    def open(self) -> Unavailable | None:
        """Load and initialise it, or return why it cannot be."""
        try:
            self._module = importlib.import_module("pynvml")
        except ImportError as error:
            hint = 'pip install "lpbench-monitors[nvidia]"'
            return Unavailable(f"nvidia-ml-py cannot be imported: {error}", "not-installed", hint)
        failed = self.ask("nvmlInit")
        self._open = not isinstance(failed, Unavailable)
        return None if self._open else failed

    def close(self) -> None:
        """Shut it down; twice is allowed."""
        if self._open:
            self.ask("nvmlShutdown")
        self._open = False

    def ask(self, name: str, *arguments: Any) -> Any:
        """Return what a function of nvidia-ml-py returns, or ``Unavailable``."""
        function = getattr(self._module, name, None)
        if function is None:
            return Unavailable(f"this nvidia-ml-py lacks {name}", "not-here", "pip install --upgrade nvidia-ml-py")
        try:
            return function(*arguments)
        except self._module.NVMLError as error:
            return REASONS.get(error.value) or Unavailable(f"NVML answers with error {error.value}", "failed")
        except ValueError as error:  # a name that is not UTF-8
            return Unavailable(f"NVML gives something unexpected: {error}", "not-read")


@dataclass(frozen=True)
class Gpu:
    """A device.

    :param number: NVML's, in the order of the PCI bus.
    :param nvml: The library.
    :param handle: The library's, or why it gives none.
    """

    number: int
    nvml: Nvml
    handle: Any

    @property
    def part(self) -> str:
        """Return its name in keys."""
        return f"gpu{self.number}"

    def ask(self, *questions: Question) -> Any:
        """Return the first answer that several questions get, of which drivers know some; or why there is none."""
        if isinstance(self.handle, Unavailable):
            return self.handle
        reasons: list[Unavailable] = []
        for answer in self._answers(questions):
            if not isinstance(answer, Unavailable):
                return answer
            reasons.append(answer)
        return next((reason for reason in reasons if reason.code != "not-here"), reasons[-1])

    def _answers(self, questions: tuple[Question, ...]) -> Iterator[Any]:
        return (self.nvml.ask(name, self.handle, *arguments) for name, *arguments in questions)

    def text(self, name: str) -> str:
        """Return a text, such as its UUID; empty where there is none."""
        answer = self.ask((name,))
        return "" if isinstance(answer, Unavailable) else str(answer)


def gpus(nvml: Nvml, most: int) -> list[Gpu] | Unavailable:
    """Return the devices that NVML lists, at most ``most``, or why there are none."""
    count = nvml.ask("nvmlDeviceGetCount")
    if isinstance(count, Unavailable):
        return count
    if not count:
        return Unavailable("NVML lists no GPU", "not-here")
    return [Gpu(number, nvml, nvml.ask("nvmlDeviceGetHandleByIndex", number)) for number in range(min(count, most))]
