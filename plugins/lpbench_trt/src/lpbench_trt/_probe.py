"""Finds devices by running a small model on each; runs in a child process, because drivers may crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.util.atomic_folders import temporary
from lpbench_trt.config import TensorrtConfig

if TYPE_CHECKING:
    from lpbench_trt._cuda import Device
    from lpbench_trt._library import Library

TEGRA = "etc/nv_tegra_release"
BOARD = "proc/device-tree/model"
JETSON = (
    "on a Jetson: sudo apt install nvidia-jetpack, and an environment made with python3 -m venv --system-site-packages"
)
PC = "on a PC: pip install tensorrt; if it is installed, add the folder of its libraries to LD_LIBRARY_PATH"
DRIVER = (
    "install NVIDIA's driver (nvidia-smi then names it); a container is started with --gpus all, or --runtime nvidia"
)
NO_JETPACK = (
    "there is no JetPack with this version; use the TensorRT that JetPack brings: sudo apt install nvidia-jetpack"
)
AMPERE = (8, 0)
"""Compute capability that TensorRT-RTX needs at least."""


@dataclass
class _Found:
    """What the probe finds, as lpbench asks for it."""

    facts: dict[str, str] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    capabilities: dict[str, str] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def refuse(self, unit: str, error: EngineError) -> None:
        """Note why a device is not usable."""
        self.unusable[unit] = error.what
        if error.hint:
            self.hints[unit] = error.hint


def probe(root: Path = Path("/")) -> dict[str, Any]:
    """Return ``version``, usable ``devices`` and their facts, ``unusable`` ones with reason and hint, and a ``hint``.

    :param root: Where the files lie that tell a Jetson.
    """
    found = _Found()
    try:
        _ask_versions(found.facts)
        _look(found)
    except (ImportError, OSError) as error:  # the vendor's module, or a library that it needs, does not load
        found.refuse("gpu", EngineError(f"TensorRT does not load: {error}", hint=JETSON if _jetson(root) else PC))
    except EngineError as error:
        found.refuse("gpu", error)
    board = [NO_JETPACK] if not found.devices and _jetson(root) and _newer_than_jetpack() else []
    hint = "; ".join(dict.fromkeys([*board, *found.hints.values()]))
    return {
        **found.facts,
        "devices": found.devices,
        "names": found.names,
        "compute_capabilities": found.capabilities,
        "unusable": found.unusable,
        "hints": found.hints,
        **({"hint": hint} if hint and not found.devices else {}),
    }


def _ask_versions(facts: dict[str, str]) -> None:
    """Add versions to the facts.

    :raises EngineError: There is no CUDA runtime or no driver, or the driver is too old for the runtime.
    """
    from lpbench_trt._cuda import cuda
    from lpbench_trt._library import library

    here = library()
    facts.update(version=here.version, library=here.name)
    runtime, driver = cuda().runtime_version(), cuda().driver_version()
    if not driver:
        raise EngineError("there is no NVIDIA driver", hint=DRIVER)
    if _numbers(driver)[:1] < _numbers(runtime)[:1]:  # minor versions are compatible
        raise EngineError(
            f"the driver supports CUDA {driver}, and the installed CUDA runtime is {runtime}",
            hint=f"install a newer NVIDIA driver, or TensorRT and a CUDA runtime for CUDA {driver}",
        )
    facts.update(cuda_runtime=runtime, cuda_driver=driver)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _look(found: _Found) -> None:
    """Try every GPU, and the DLA cores of the first.

    :raises EngineError: There is no GPU.
    """
    from lpbench_trt._cuda import cuda
    from lpbench_trt._library import library

    for number in range(cuda().count()):
        device = cuda().device(number)
        _try(found, f"gpu:{number}", device, library())
    if "gpu:0" in found.devices:
        for number in range(_cores()):
            _try(found, f"dla:{number}", cuda().device(0), library())


def _try(found: _Found, unit: str, device: Device, here: Library) -> None:
    try:
        _refuse_old(device, here)
        _run(unit)
    except EngineError as error:
        found.refuse(unit, error)
    else:
        found.devices.append(unit)
        found.names[unit] = device.name
        found.capabilities[unit] = device.capability


def _refuse_old(device: Device, here: Library) -> None:
    """Refuse a GPU that TensorRT-RTX does not build for unless asked to; TensorRT says itself which it supports."""
    if here.is_rtx and tuple(_numbers(device.capability)) < AMPERE:
        raise EngineError(
            f"{device.name} has compute capability {device.capability}; {here.called} needs 8.0 (Ampere) or later",
            hint="use TensorRT in place of TensorRT-RTX: pip install tensorrt",
        )


def _run(unit: str) -> None:
    """Build and run a small model on a device.

    :raises EngineError: It does not run.
    """
    from lpbench_trt._engine import TensorrtEngine
    from lpbench_trt.case import case

    on_dla = unit.startswith("dla")
    config = TensorrtConfig(
        device=unit,
        precision="F16" if on_dla else "F32",
        dla_fallback=on_dla,
        plan_cache=False,
        timing_cache=False,
        optimization_level=0,
    )
    with temporary("tensorrt") as folder:
        small = case(folder, {})
        with TensorrtEngine().open(small.model, config, shapes=small.shapes) as session:
            session.run(small.feeds)


def _cores() -> int:
    """Return the number of DLA cores."""
    from lpbench_trt._build import new_builder

    return int(new_builder().num_DLA_cores)


def _jetson(root: Path) -> bool:
    """Return whether this is a Jetson board."""
    if (root / TEGRA).exists():
        return True
    try:
        return b"jetson" in (root / BOARD).read_bytes()[:256].lower()
    except OSError:
        return False


def _newer_than_jetpack() -> bool:
    """Return whether this TensorRT is of a line that no JetPack brings: those that compute only as a model is typed."""
    try:
        from lpbench_trt._library import library, trt
    except (ImportError, OSError):
        return False
    if not hasattr(trt, "BuilderFlag"):
        return False
    return not library().is_rtx and not hasattr(trt.BuilderFlag, "FP16")
