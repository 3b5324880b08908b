"""Deploy and benchmark AI applications on heterogeneous hardware, and know how sure the number is.

Everything here is imported on first use, so that ``import lpbench`` costs next to nothing.
"""

TYPE_CHECKING = False  # not from typing: nothing of the library is imported before the search path is settled
if TYPE_CHECKING:
    from typing import Any

    from lpbench.app.bare_model import model_app
    from lpbench.app.catalogue import entries as apps
    from lpbench.app.catalogue import pull
    from lpbench.app.model import App, load_app
    from lpbench.errors import EngineError, LpbenchError, ProcessorError
    from lpbench.jobs.agreement import agree
    from lpbench.jobs.analysis import AnalysisReport, analyze
    from lpbench.jobs.choosing import choose
    from lpbench.jobs.conversion import convert
    from lpbench.jobs.datasheets import frameworks, models, platforms
    from lpbench.jobs.doctor import doctor
    from lpbench.jobs.exchanging import export
    from lpbench.jobs.listing import engines, plugins
    from lpbench.jobs.measuring.live import compare_live
    from lpbench.jobs.measuring.progress import Progress
    from lpbench.jobs.measuring.session import Interrupted, benchmark
    from lpbench.jobs.monitoring import monitors
    from lpbench.jobs.new_app import new_app
    from lpbench.jobs.optimising import optimise
    from lpbench.jobs.probing import probe
    from lpbench.jobs.quantizing import quantize
    from lpbench.jobs.roofline import RooflineShares, roof_shares, roofline
    from lpbench.jobs.sweep import load_sweep, sweep
    from lpbench.jobs.validation import validate
    from lpbench.plugin.algorithm import Algorithm
    from lpbench.plugin.algorithm_spec import AlgorithmSpec
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.converter import Converter
    from lpbench.plugin.engine import Engine, Model, Session, TensorInfo
    from lpbench.plugin.hookspecs import hookimpl
    from lpbench.plugin.monitor import Monitor, MonitorTarget, Reading
    from lpbench.plugin.processor import Postprocessor, Preprocessor, Sample
    from lpbench.plugin.quality import QualityMetric
    from lpbench.plugin.registry import refresh
    from lpbench.plugin.specs import (
        AnalyzerSpec,
        AppSpec,
        Availability,
        CommandSpec,
        ConverterSpec,
        EngineSpec,
        MetricSpec,
        MonitorSpec,
        ProcessorSpec,
    )
    from lpbench.results.choosing import Selection
    from lpbench.results.comparison import compare
    from lpbench.results.exchange.store import import_dataset, load_dataset
    from lpbench.results.model import Configuration, Result
    from lpbench.results.optimised import Optimised
    from lpbench.results.run import Metric
    from lpbench.results.settings import RunSettings
    from lpbench.results.store import last
    from lpbench.results.store import load as load_result
    from lpbench.results.sweep import Sweep, SweepRow
    from lpbench.util.unavailable import Unavailable

__all__ = [
    "Algorithm",
    "AlgorithmSpec",
    "AnalysisReport",
    "AnalyzerSpec",
    "App",
    "AppSpec",
    "Availability",
    "CommandSpec",
    "Configuration",
    "Converter",
    "ConverterSpec",
    "Engine",
    "EngineConfiguration",
    "EngineError",
    "EngineSpec",
    "Interrupted",
    "LpbenchError",
    "Metric",
    "MetricSpec",
    "Model",
    "Monitor",
    "MonitorSpec",
    "MonitorTarget",
    "Optimised",
    "Postprocessor",
    "Preprocessor",
    "ProcessorError",
    "ProcessorSpec",
    "Progress",
    "QualityMetric",
    "Reading",
    "Result",
    "RooflineShares",
    "RunSettings",
    "Sample",
    "Selection",
    "Session",
    "Sweep",
    "SweepRow",
    "TensorInfo",
    "Unavailable",
    "agree",
    "analyze",
    "apps",
    "benchmark",
    "choose",
    "compare",
    "compare_live",
    "convert",
    "doctor",
    "engines",
    "export",
    "frameworks",
    "hookimpl",
    "import_dataset",
    "last",
    "load_app",
    "load_dataset",
    "load_result",
    "load_sweep",
    "model_app",
    "models",
    "monitors",
    "new_app",
    "optimise",
    "platforms",
    "plugins",
    "probe",
    "pull",
    "quantize",
    "refresh",
    "roof_shares",
    "roofline",
    "sweep",
    "validate",
]

_MODULES = {
    "app.bare_model": ("model_app",),
    "app.catalogue": ("pull",),
    "app.model": ("App", "load_app"),
    "errors": ("EngineError", "LpbenchError", "ProcessorError"),
    "jobs.agreement": ("agree",),
    "jobs.analysis": ("AnalysisReport", "analyze"),
    "jobs.choosing": ("choose",),
    "jobs.conversion": ("convert",),
    "jobs.datasheets": ("frameworks", "models", "platforms"),
    "jobs.doctor": ("doctor",),
    "jobs.exchanging": ("export",),
    "jobs.listing": ("engines", "plugins"),
    "jobs.measuring.live": ("compare_live",),
    "jobs.measuring.progress": ("Progress",),
    "jobs.measuring.session": ("Interrupted", "benchmark"),
    "jobs.monitoring": ("monitors",),
    "jobs.new_app": ("new_app",),
    "jobs.optimising": ("optimise",),
    "jobs.probing": ("probe",),
    "jobs.quantizing": ("quantize",),
    "jobs.roofline": ("RooflineShares", "roof_shares", "roofline"),
    "jobs.sweep": ("load_sweep", "sweep"),
    "jobs.validation": ("validate",),
    "plugin.algorithm": ("Algorithm",),
    "plugin.configuration": ("EngineConfiguration",),
    "plugin.converter": ("Converter",),
    "plugin.engine": ("Engine", "Model", "Session", "TensorInfo"),
    "plugin.hookspecs": ("hookimpl",),
    "plugin.monitor": ("Monitor", "MonitorTarget", "Reading"),
    "plugin.processor": ("Postprocessor", "Preprocessor", "Sample"),
    "plugin.quality": ("QualityMetric",),
    "plugin.registry": ("refresh",),
    "plugin.algorithm_spec": ("AlgorithmSpec",),
    "plugin.specs": (
        "AnalyzerSpec",
        "AppSpec",
        "Availability",
        "CommandSpec",
        "ConverterSpec",
        "EngineSpec",
        "MetricSpec",
        "MonitorSpec",
        "ProcessorSpec",
    ),
    "results.choosing": ("Selection",),
    "results.comparison": ("compare",),
    "results.exchange.store": ("import_dataset", "load_dataset"),
    "results.model": ("Configuration", "Result"),
    "results.optimised": ("Optimised",),
    "results.run": ("Metric",),
    "results.settings": ("RunSettings",),
    "results.store": ("last",),
    "results.sweep": ("Sweep", "SweepRow"),
    "util.unavailable": ("Unavailable",),
}
_PLACES = {
    **{name: (module, name) for module, names in _MODULES.items() for name in names},
    "apps": ("app.catalogue", "entries"),
    "load_result": ("results.store", "load"),
    "__version__": ("about", "version"),
}


def __getattr__(name: str) -> "Any":
    if name not in _PLACES:
        raise AttributeError(f"module 'lpbench' has no attribute {name!r}")
    import importlib

    importlib.import_module("lpbench.render.notebook")  # so that what names lead to is shown as tables
    module, attribute = _PLACES[name]
    found = getattr(importlib.import_module(f"lpbench.{module}"), attribute)
    globals()[name] = found() if name == "__version__" else found
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
