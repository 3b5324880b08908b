"""The conformance kit: checks that engines, processors, monitors and algorithms keep lpbench's contracts.

In a plugin's tests::

    from lpbench.testing import engine_checks

    @engine_checks("acme", expected_failures={"profile_or_reason": "acme 2.1 profiles nothing but GPUs"})
    def test_engine(check):
        check()

On a board, run ``lpbench check acme``; in a notebook, call ``check_engine("acme")``.
Every check runs in its own process, so that a crash of the vendor's library is a
failed check.  docs/reference/conformance.md lists the checks.  Names are imported
on first use, because each of those processes needs only some of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpbench.testing._attack import Attacked, attack_engine
    from lpbench.testing._bare import model_case
    from lpbench.testing._checks import Check
    from lpbench.testing._find import find
    from lpbench.testing._kinds import checks
    from lpbench.testing._parent import (
        CheckResult,
        check_algorithm,
        check_engine,
        check_monitor,
        check_postprocessor,
        check_preprocessor,
    )
    from lpbench.testing._pytest import (
        algorithm_checks,
        engine_checks,
        monitor_checks,
        postprocessor_checks,
        preprocessor_checks,
    )
    from lpbench.testing.cases import AlgorithmCase, EngineCase, MonitorCase, PostprocessorCase, PreprocessorCase
    from lpbench.testing.machines import Machine

__all__ = [
    "AlgorithmCase",
    "Attacked",
    "Check",
    "CheckResult",
    "EngineCase",
    "Machine",
    "MonitorCase",
    "PostprocessorCase",
    "PreprocessorCase",
    "algorithm_checks",
    "attack_engine",
    "check_algorithm",
    "check_engine",
    "check_monitor",
    "check_postprocessor",
    "check_preprocessor",
    "checks",
    "engine_checks",
    "find",
    "model_case",
    "monitor_checks",
    "postprocessor_checks",
    "preprocessor_checks",
]

_MODULES = {
    "_attack": ("Attacked", "attack_engine"),
    "_bare": ("model_case",),
    "_checks": ("Check",),
    "_find": ("find",),
    "_kinds": ("checks",),
    "_parent": (
        "CheckResult",
        "check_algorithm",
        "check_engine",
        "check_monitor",
        "check_postprocessor",
        "check_preprocessor",
    ),
    "_pytest": (
        "algorithm_checks",
        "engine_checks",
        "monitor_checks",
        "postprocessor_checks",
        "preprocessor_checks",
    ),
    "cases": ("AlgorithmCase", "EngineCase", "MonitorCase", "PostprocessorCase", "PreprocessorCase"),
    "machines": ("Machine",),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'lpbench.testing' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"lpbench.testing.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
