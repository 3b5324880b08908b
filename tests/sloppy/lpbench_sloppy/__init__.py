"""A plugin that keeps every contract, or breaks the one that the environment variable SLOPPY names.

``SLOPPY=engine/feeds_are_unchanged`` breaks the contract that this check of the
conformance kit tests; ``SLOPPY=engine/process_is_left_as_it_was:cores`` selects one
of several ways to break it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.algorithm_spec import AlgorithmSpec
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec, MonitorSpec, ProcessorSpec

from .fault import is_broken

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KINDS = ("engine", "preprocessor", "postprocessor", "monitor", "algorithm")

if any(is_broken(f"{kind}/listing_imports_nothing_heavy") for kind in KINDS):
    import numpy as np  # noqa: F401 - heavy, on purpose


def common(kind: str) -> dict[str, Any]:
    """Return the fields that every spec has."""
    complete, told = not is_broken(f"{kind}/spec_is_complete"), not is_broken(f"{kind}/missing_library_is_told")
    summary = f"a {kind} that is tidy or sloppy" if complete else ""
    hint = "pip install numpy" if told else ""
    return {"summary": summary, "requires": ("numpy",), "hint": hint}


def options(kind: str) -> str:
    """Return the import path of a kind's config."""
    return f"lpbench_sloppy.config:{kind.capitalize()}Config"


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register the engine."""
    stated = not is_broken("engine/formats_are_stated")
    harmless = not is_broken("engine/options_for_apps_are_harmless")
    register(
        EngineSpec(
            "sloppy",
            "lpbench_sloppy.engine:SloppyEngine",
            **common("engine"),
            formats={"sloppy": (".sloppy",) if stated else ()},
            config=options("engine"),
            probe="lpbench_sloppy.engine:probe",
            case="lpbench_sloppy.cases:engine",
            operators="lpbench_sloppy.engine:operators",
            dynamic_shapes=True,
            owned_outputs=True,
            streams=True,
            app_options=("threads",) if harmless else ("device",),
        )
    )


@hookimpl
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register the preprocessor."""
    target = "lpbench_sloppy.processors:Pre"
    suffixes = (".txt",)
    register(
        ProcessorSpec(
            "sloppy",
            target,
            **common("preprocessor"),
            config=options("preprocessor"),
            suffixes=suffixes,
            guess="lpbench_sloppy.offers:guess",
            case="lpbench_sloppy.cases:preprocessor",
        )
    )


@hookimpl
def lpbench_register_postprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register the postprocessor."""
    target = "lpbench_sloppy.processors:Post"
    register(
        ProcessorSpec(
            "sloppy",
            target,
            **common("postprocessor"),
            config=options("postprocessor"),
            guess="lpbench_sloppy.offers:guess",
            words={"top": "lpbench_sloppy.offers:words"},
            case="lpbench_sloppy.cases:postprocessor",
        )
    )


@hookimpl
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Register the monitor."""
    register(
        MonitorSpec(
            "sloppy",
            "lpbench_sloppy.monitor:SloppyMonitor",
            **common("monitor"),
            metrics=("SECONDS", "CPU_TEMP", "POWER_CONSUMPTION"),
            deadline=0.5,
            config=options("monitor"),
            case="lpbench_sloppy.cases:monitor",
        )
    )


@hookimpl
def lpbench_register_algorithms(register: Callable[[AlgorithmSpec], None]) -> None:
    """Register the algorithm."""
    from lpbench.plugin.algorithm import Signature, Target, Variable

    doc = "" if is_broken("algorithm/signature_is_stated") else "numbers to sum up"
    count, mode = (
        Variable("count", lower=1, upper=9, doc=doc),
        Variable("mode", "str", values=("up", "down"), doc="way"),
    )
    signature = Signature((count, mode), targets=(Target("total", doc="their sum"),), instances=2)
    target = "lpbench_sloppy.algorithm:SloppyAlgorithm"
    register(AlgorithmSpec("sloppy", target, **common("algorithm"), signature=signature))


@hookimpl
def lpbench_register_metrics(register: Callable[[object], None]) -> None:
    """Register nothing, or something invalid as the fault."""
    if any(is_broken(f"{kind}/plugin_registers_cleanly") for kind in KINDS):
        register("no spec")
