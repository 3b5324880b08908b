"""A plugin for tests of conversions: two engines of formulas, and a converter between their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.converter import Limits
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import AnalyzerSpec, ConverterSpec, EngineSpec, ProcessorSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register a reference, engines of other formats, and one whose format no converter writes."""
    target, config = "lpbench_formulas.engine:Formulas", "lpbench_formulas.engine:Options"
    exact = EngineSpec("exact", target, formats={"formula": (".formula",)}, config=config, reference={"exact": True})
    register(exact)
    register(EngineSpec("quick", target, formats={"table": (".table",)}, config=config))
    probe = "lpbench_formulas.slabs:probe"
    register(EngineSpec("slabs", target, formats={"slab": (".slab",)}, config=config, probe=probe))
    register(EngineSpec("alien", target, formats={"rune": (".rune",)}, config=config))


@hookimpl
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register what follows another component in a chain."""
    config = "lpbench.plugin.builtin.tensors:RawConfig"
    register(ProcessorSpec("positive", "lpbench_formulas.rounding:Positive", config=config))


@hookimpl
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Register an analyzer of formulas."""
    register(AnalyzerSpec("weigher", "lpbench_formulas.weigh:Weigher", formats=("formula",), version="1"))


@hookimpl
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Register a converter controlled by the model, one that takes samples, and some with options or without a tool."""
    target = "lpbench_formulas.convert:Maker"
    about = {"reads": "formula", "writes": "table", "precisions": ("F32", "F16"), "version": "7"}
    register(ConverterSpec("maker", target, "formulas to tables", **about))  # type: ignore[arg-type] # fields of several types
    register(
        ConverterSpec(
            "rounder",
            "lpbench_formulas.rounding:Rounder",
            "formulas to tables of whole numbers",
            reads="formula",
            writes="table",
            version="1",
            precisions=("S8",),
            calibrated=frozenset({"S8"}),
            limits={"S8": Limits(largest=0.01, mean=0.01, cosine=0.9)},
        )
    )
    register(
        ConverterSpec(
            "mason",
            "lpbench_formulas.slabs:Mason",
            "formulas to slabs, which depend on the machine",
            reads="formula",
            writes="slab",
            version="1",
            config="lpbench_formulas.slabs:MasonOptions",
            bound="lpbench_formulas.slabs:bound",
        )
    )
    register(
        ConverterSpec(
            "quarry",
            "lpbench_formulas.slabs:Mason",
            "ores to slabs, with options that nobody can read",
            reads="ore",
            writes="slab",
            version="1",
            config="no_such_library:Options",
        )
    )
    register(
        ConverterSpec(
            "absent-maker",
            "no_such_library:Maker",
            requires=("no_such_library",),
            hint="pip install no-such-library",
            reads="formula",
            writes="scroll",
        )
    )
