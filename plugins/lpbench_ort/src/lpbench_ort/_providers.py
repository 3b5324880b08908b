"""Execution providers: short names, availability in this build, and assignment of nodes."""

from __future__ import annotations

import contextlib
import ctypes
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime

from lpbench.errors import ConfigError, nearest, setting
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
"""Processor of each provider whose name determines it."""

REMOTE = f"Azure{SUFFIX}"
"""Calls a remote service for its own operators; not a device of this machine."""

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
    """Return the short names of the providers that this build can use, the CPU first."""
    names = [short(provider) for provider in onnxruntime.get_available_providers() if provider != REMOTE]
    return sorted(names, key=lambda name: (name != "cpu", name))


def resolve(config: OrtConfig) -> str:
    """Return the full name of the config's execution provider.

    :raises ConfigError: The provider does not exist.
    :raises EngineError: This build lacks it.
    """
    known = {short(provider): provider for provider in onnxruntime.get_all_providers()}
    name = short(config.provider)
    here = f"here: {', '.join(devices())}"
    if name not in known:
        what = f'unknown device "{config.device}"'
        raise ConfigError(what, where="options of onnxruntime", hint=f"{nearest(name, known)} ({here})")
    if known[name] not in onnxruntime.get_available_providers():
        raise EngineError(
            f'device "{config.device}": onnxruntime {onnxruntime.__version__} was built without {known[name]}',
            hint="; ".join(filter(None, (here, HINTS.get(name, "")))),
        )
    return str(known[name])


def requested(config: OrtConfig, provider: str) -> list[Any]:
    """Return the providers to request, with the CPU last for nodes that the device does not support.

    For TensorRT, CUDA comes before the CPU, as ONNX Runtime recommends.
    """
    chosen = [(provider, {**_unit(config), **words(config.provider_options)})]
    if short(provider) == "tensorrt" and CUDA in onnxruntime.get_available_providers():
        chosen.append((CUDA, _unit(config)))
    return chosen if provider == CPU else [*chosen, (CPU, {})]


def preload(provider: str) -> None:
    """Load CUDA's libraries if pip installed them, as ONNX Runtime requires."""
    if short(provider) in {"cuda", "tensorrt"} and hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):  # refuse_absent reports the same problem
            onnxruntime.preload_dlls()


def refuse_absent(session: Any, config: OrtConfig, provider: str) -> None:
    """Refuse a session that does not use the requested provider.

    :raises EngineError: ONNX Runtime dropped the provider, or the provider accepted no node.
    """
    if provider not in session.get_providers():
        raise absent(config, provider)
    assigned = nodes(session)
    if provider != CPU and assigned is not None and not assigned.get(provider):
        raise EngineError(
            f'device "{config.device}": {provider} accepted none of the {sum(map(len, assigned.values()))} nodes',
            hint=f"the CPU would run all of them: use {setting('device', 'cpu')}, or convert the model",
        )


def absent(config: OrtConfig, provider: str) -> EngineError:
    """Return the error for a provider that could not be started."""
    reason = library_problem(provider) or "it could not be started; onnxruntime prints the reason to standard error"
    what = f'device "{config.device}": {provider} is not usable: {reason}'
    return EngineError(
        what, hint=f"install what is missing, or use another device; this build has {', '.join(devices())}"
    )


def library_problem(provider: str) -> str:
    """Return the dynamic linker's error for a provider's library, or an empty string."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    library = folder / f"libonnxruntime_providers_{short(provider)}.so"
    if not library.exists():
        return ""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        # undefined symbols are provided by onnxruntime itself, so they do not indicate a problem
        return "" if "undefined symbol" in str(error) else str(error)
    return ""


def nodes(session: Any) -> dict[str, list[tuple[str, str]]] | None:
    """Return each provider's nodes as (type, name), or None if this version of onnxruntime does not report them.

    These are the nodes at the time the graph was split between providers, before the last fusions.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    by_provider: dict[str, list[tuple[str, str]]] = {}
    for part in session.get_provider_graph_assignment_info():
        by_provider.setdefault(part.ep_name, []).extend((node.op_type, node.name) for node in part.get_nodes())
    return by_provider


def processor(config: OrtConfig, assigned: dict[str, list[tuple[str, str]]] | None) -> str:
    """Return the processor: ``CPU``, ``GPU``, ``NPU``, a pair if the graph is split, or an empty string if unknown."""
    own = _processor(short(config.provider), config.unit)
    others = {_processor(short(name), "") for name in assigned or () if short(name) != short(config.provider)}
    return "/".join([own, *sorted(others - {own})]) if own else ""


def _processor(name: str, unit: str) -> str:
    if name == "openvino":
        return next((kind for kind in PROCESSORS if unit.upper().startswith(kind)), "" if unit else "CPU")
    return next((kind for kind, names in PROCESSORS.items() if name in names), "")


def _unit(config: OrtConfig) -> dict[str, str]:
    if not config.unit:
        return {}
    return {"device_id" if config.unit.isdigit() else "device_type": config.unit}
