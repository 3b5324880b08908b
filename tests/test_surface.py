"""The public surface: one sorted list, each name imported on first use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lpbench

PUBLIC = """
Algorithm AlgorithmSpec AnalysisReport AnalyzerSpec App AppSpec Availability CommandSpec Configuration Converter
ConverterSpec Engine EngineConfiguration EngineError EngineSpec Interrupted LpbenchError Metric MetricSpec Model
Monitor MonitorSpec MonitorTarget Optimised Postprocessor Preprocessor ProcessorError ProcessorSpec Progress
QualityMetric Reading Result RooflineShares RunSettings Sample Selection Session Sweep SweepRow TensorInfo Unavailable
agree analyze apps benchmark choose compare compare_live convert doctor engines export frameworks hookimpl
import_dataset last load_app load_dataset load_result load_sweep model_app models monitors new_app optimise platforms
plugins probe pull quantize refresh roof_shares roofline sweep validate
""".split()  # noqa: SIM905 - seven lines instead of fifty


def test_the_public_names_are_these() -> None:
    """Adding or removing one is a decision: it changes this list and the changelog."""
    assert lpbench.__all__ == PUBLIC == sorted(PUBLIC)


@pytest.mark.parametrize("name", [*PUBLIC, "__version__"])
def test_every_public_name_can_be_had_without_any_plugin(name: str) -> None:
    assert getattr(lpbench, name) is not None
    assert name in dir(lpbench)


def test_no_public_name_is_a_modules_name_too() -> None:
    """Importing a module ``lpbench.x`` would put it in the place of the function ``lpbench.x``."""
    modules = {path.stem for path in Path(lpbench.__file__).parent.iterdir()}
    assert not modules & set(PUBLIC)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        lpbench.no_such_name  # noqa: B018 - looking it up is the test


def test_type_checkers_see_the_same_names() -> None:
    """What is imported for type checkers against what is looked up when running."""
    tree = ast.parse(Path(lpbench.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lpbench.")
        for alias in node.names
    }
    assert set(PUBLIC) <= set(seen)
    for name, (module, attribute) in seen.items():
        assert getattr(lpbench, name) is getattr(sys.modules[str(module)], attribute)


def test_importing_lpbench_imports_nothing_of_it() -> None:
    code = "import sys, lpbench; print(*[name for name in sys.modules if name.startswith('lpbench.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
