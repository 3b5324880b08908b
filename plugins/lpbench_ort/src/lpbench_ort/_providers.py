"""Execution providers: their short names, what this build has, and whether one took the model."""

from __future__ import annotations

import contextlib
import ctypes
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime

from lpbench.errors import nearest
from lpbench.plugin.engine import EngineError
from lpbench_ort.config import words

if TYPE_CHECKING:
    from lpbench_ort.config import OrtConfig

SUFFIX = "ExecutionProvider"
CPU = f"CPU{SUFFIX}"
CUDA = f"CUDA{SUFFIX}"

PROCESSORS = {
    "CPU": ("cpu", "dnnl", "xnnpack", "acl", "armnn"),
    "GPU": ("cuda", "tensorrt", "nvtensorrtrtx", "rocm", "migraphx", "dml", "webgpu"),
    "NPU": ("cann", "qnn", "vitisai", "rknpu", "vsinpu"),
}
"""What a provider computes on, where its name says it."""

REMOTE = f"Azure{SUFFIX}"
"""Calls a service for its own operators only; no device of this machine."""

HINTS = {
    "cuda": 'pip install "lpbench[ort-gpu]"',
    "tensorrt": 'pip install "lpbench[ort-gpu]"',
    "openvino": "pip install onnxruntime-openvino",
    "qnn": "pip install onnxruntime-qnn",
    "migraphx": "pip install onnxruntime-migraphx",
}


def short(provider: str) -> str:
    """Return a provider's short name: ``cuda`` for ``CUDAExecutionProvider``."""
    return provider.removesuffix(SUFFIX).lower()


def devices() -> list[str]:
    """Return the short names of what this build can use, the CPU first."""
    names = [short(provider) for provider in onnxruntime.get_available_providers() if provider != REMOTE]
    return sorted(names, key=lambda name: (name != "cpu", name))


def resolve(config: OrtConfig) -> str:
    """Return the full name of the config's execution provider.

    :raises EngineError: There is none of that name, or this build lacks it.
    """
    known = {short(provider): provider for provider in onnxruntime.get_all_providers()}
    name = short(config.provider)
    here = f"here: {', '.join(devices())}"
    if name not in known:
        raise EngineError(f'unknown device "{config.device}"', hint=f"{nearest(name, known)} ({here})")
    if known[name] not in onnxruntime.get_available_providers():
        raise EngineError(
            f'device "{config.device}": onnxruntime {onnxruntime.__version__} was built without {known[name]}',
            hint="; ".join(filter(None, (here, HINTS.get(name, "")))),
        )
    return str(known[name])


def requested(config: OrtConfig, provider: str) -> list[Any]:
    """Return the providers to ask for, the CPU last for what the device cannot do.

    TensorRT leaves what it cannot do to CUDA first, as ONNX Runtime advises.
    """
    chosen = [(provider, {**_unit(config), **words(config.provider_options)})]
    if short(provider) == "tensorrt" and CUDA in onnxruntime.get_available_providers():
        chosen.append((CUDA, _unit(config)))
    return chosen if provider == CPU else [*chosen, (CPU, {})]


def preload(provider: str) -> None:
    """Load CUDA's libraries where they were installed by pip, as ONNX Runtime asks of its users."""
    if short(provider) in {"cuda", "tensorrt"} and hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):  # what it prints is said again by refuse_absent
            onnxruntime.preload_dlls()


def refuse_absent(session: Any, config: OrtConfig, provider: str) -> None:
    """Refuse a session that goes on without the provider that was asked for.

    :raises EngineError: ONNX Runtime left the provider out, or the provider took no node.
    """
    if provider not in session.get_providers():
        raise absent(config, provider)
    taken = nodes(session)
    if provider != CPU and taken is not None and not taken.get(provider):
        raise EngineError(
            f'device "{config.device}": {provider} took none of the {sum(map(len, taken.values()))} nodes',
            hint="the CPU would run them all: use --device cpu, or convert the model",
        )


def absent(config: OrtConfig, provider: str) -> EngineError:
    """Return the error for a provider that could not be started."""
    reason = library_problem(provider) or "it could not be started; onnxruntime says why on standard error"
    what = f'device "{config.device}": {provider} is not usable: {reason}'
    return EngineError(
        what, hint=f"install what is missing, or use another device; {', '.join(devices())} are built in"
    )


def library_problem(provider: str) -> str:
    """Return the dynamic linker's words for a provider's library that cannot be loaded, else an empty string."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    library = folder / f"libonnxruntime_providers_{short(provider)}.so"
    if not library.exists():
        return ""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        # a symbol that only onnxruntime itself can give says nothing
        return "" if "undefined symbol" in str(error) else str(error)
    return ""


def nodes(session: Any) -> dict[str, list[tuple[str, str]]] | None:
    """Return each provider's nodes as (type, name), or None where this version of onnxruntime does not tell.

    They are the nodes when the graph was split between providers, before the last fusions.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    found: dict[str, list[tuple[str, str]]] = {}
    for part in session.get_provider_graph_assignment_info():
        found.setdefault(part.ep_name, []).extend((node.op_type, node.name) for node in part.get_nodes())
    return found


def processor(config: OrtConfig, taken: dict[str, list[tuple[str, str]]] | None) -> str:
    """Return what computes: ``CPU``, ``GPU``, ``NPU``, a pair where the graph is split, or nothing if unknown."""
    own = _processor(short(config.provider), config.unit)
    others = {_processor(short(name), "") for name in taken or () if short(name) != short(config.provider)}
    return "/".join([own, *sorted(others - {own})]) if own else ""


def _processor(name: str, unit: str) -> str:
    if name == "openvino":
        return next((kind for kind in PROCESSORS if unit.upper().startswith(kind)), "" if unit else "CPU")
    return next((kind for kind, names in PROCESSORS.items() if name in names), "")


def _unit(config: OrtConfig) -> dict[str, str]:
    if not config.unit:
        return {}
    return {"device_id" if config.unit.isdigit() else "device_type": config.unit}
