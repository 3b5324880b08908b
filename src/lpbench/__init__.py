"""Deploy and benchmark AI applications on heterogeneous hardware, and know how sure the number is.

Everything here is imported on first use, so that ``import lpbench`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.agreement import agree
    from lpbench.app import App, load_app
    from lpbench.app_check import validate
    from lpbench.app_writer import new_app
    from lpbench.bare_model import model_app
    from lpbench.bench import Progress, benchmark
    from lpbench.catalogue import entries as apps
    from lpbench.catalogue import pull
    from lpbench.comparison import compare
    from lpbench.conversion import convert
    from lpbench.diagnosis import doctor
    from lpbench.engine import Engine, Model, Session, TensorInfo
    from lpbench.errors import EngineError, LpbenchError, ProcessorError
    from lpbench.hookspecs import hookimpl
    from lpbench.listing import engines, plugins
    from lpbench.live import compare_live
    from lpbench.monitor import Monitor, Reading, Unavailable
    from lpbench.probing import probe
    from lpbench.processor import Postprocessor, Preprocessor, Sample
    from lpbench.registry import refresh
    from lpbench.result import Configuration, Metric, Result
    from lpbench.specs import AppSpec, Availability, CommandSpec, EngineSpec, MonitorSpec, ProcessorSpec
    from lpbench.store import load as load_result

__all__ = [
    "App",
    "AppSpec",
    "Availability",
    "CommandSpec",
    "Configuration",
    "Engine",
    "EngineError",
    "EngineSpec",
    "LpbenchError",
    "Metric",
    "Model",
    "Monitor",
    "MonitorSpec",
    "Postprocessor",
    "Preprocessor",
    "ProcessorError",
    "ProcessorSpec",
    "Progress",
    "Reading",
    "Result",
    "Sample",
    "Session",
    "TensorInfo",
    "Unavailable",
    "agree",
    "apps",
    "benchmark",
    "compare",
    "compare_live",
    "convert",
    "doctor",
    "engines",
    "hookimpl",
    "load_app",
    "load_result",
    "model_app",
    "new_app",
    "plugins",
    "probe",
    "pull",
    "refresh",
    "validate",
]

_MODULES = {
    "agreement": ("agree",),
    "app": ("App", "load_app"),
    "app_check": ("validate",),
    "app_writer": ("new_app",),
    "bare_model": ("model_app",),
    "bench": ("Progress", "benchmark"),
    "catalogue": ("pull",),
    "comparison": ("compare",),
    "conversion": ("convert",),
    "diagnosis": ("doctor",),
    "engine": ("Engine", "Model", "Session", "TensorInfo"),
    "errors": ("EngineError", "LpbenchError", "ProcessorError"),
    "hookspecs": ("hookimpl",),
    "listing": ("engines", "plugins"),
    "live": ("compare_live",),
    "monitor": ("Monitor", "Reading", "Unavailable"),
    "probing": ("probe",),
    "processor": ("Postprocessor", "Preprocessor", "Sample"),
    "registry": ("refresh",),
    "result": ("Configuration", "Metric", "Result"),
    "specs": ("AppSpec", "Availability", "CommandSpec", "EngineSpec", "MonitorSpec", "ProcessorSpec"),
}
_PLACES = {
    **{name: (module, name) for module, names in _MODULES.items() for name in names},
    "apps": ("catalogue", "entries"),
    "load_result": ("store", "load"),
    "__version__": ("about", "version"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _PLACES:
        what = f"module 'lpbench' has no attribute {name!r}"
        raise AttributeError(what)
    import importlib

    module, attribute = _PLACES[name]
    found = getattr(importlib.import_module(f"lpbench.{module}"), attribute)
    globals()[name] = found() if name == "__version__" else found
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
