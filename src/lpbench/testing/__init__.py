"""The conformance kit: checks that engines, processors and monitors keep lpbench's contracts.

In a plugin's tests::

    from lpbench.testing import engine_checks

    @engine_checks("acme", expected_failures={"profile_or_reason": "acme 2.1 profiles nothing but GPUs"})
    def test_engine(check):
        check()

On a board ``lpbench check acme``, in a notebook ``check_engine("acme")``.  Every
check runs in a process of its own, so that a vendor's crash is a failed check.
docs/reference/conformance.md lists the checks.
"""

from __future__ import annotations

from lpbench.testing._bare import model_case
from lpbench.testing._parent import CheckResult, check_engine, check_monitor, check_postprocessor, check_preprocessor
from lpbench.testing._pytest import engine_checks, monitor_checks, postprocessor_checks, preprocessor_checks
from lpbench.testing.cases import EngineCase, MonitorCase, PostprocessorCase, PreprocessorCase

__all__ = [
    "CheckResult",
    "EngineCase",
    "MonitorCase",
    "PostprocessorCase",
    "PreprocessorCase",
    "check_engine",
    "check_monitor",
    "check_postprocessor",
    "check_preprocessor",
    "engine_checks",
    "model_case",
    "monitor_checks",
    "postprocessor_checks",
    "preprocessor_checks",
]
