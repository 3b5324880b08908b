"""The checks as pytest tests, one for each; expected failures are strict and have a reason."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.plugin import registry
from lpbench.testing import _nursery
from lpbench.testing._child import NOT_READY
from lpbench.testing._parent import EXPECTED, Checker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.testing.cases import (
        AlgorithmCase,
        Case,
        EngineCase,
        Factory,
        MonitorCase,
        PostprocessorCase,
        PreprocessorCase,
    )

F = TypeVar("F", bound="Callable[..., None]")


def engine_checks(
    name: str,
    case: EngineCase | Factory[EngineCase] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Parametrize a test's argument ``check`` over the checks of an engine; the test calls ``check()``.

    :param case: Case to check it with; by default the one that the engine's spec names.
    :param options: Further options of the engine, for example ``{"device": "vulkan:0"}``.
    :param expected_failures: Checks that must fail, each with the reason.
    """
    return _parametrized(registry.ENGINES, name, case, options, expected_failures)


def preprocessor_checks(
    name: str,
    case: PreprocessorCase | Factory[PreprocessorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Parametrize a test's argument ``check`` over the checks of a preprocessor."""
    return _parametrized(registry.PREPROCESSORS, name, case, None, expected_failures)


def postprocessor_checks(
    name: str,
    case: PostprocessorCase | Factory[PostprocessorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Parametrize a test's argument ``check`` over the checks of a postprocessor."""
    return _parametrized(registry.POSTPROCESSORS, name, case, None, expected_failures)


def monitor_checks(
    name: str,
    case: MonitorCase | Factory[MonitorCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Parametrize a test's argument ``check`` over the checks of a monitor."""
    return _parametrized(registry.MONITORS, name, case, None, expected_failures)


def algorithm_checks(
    name: str,
    case: AlgorithmCase | Factory[AlgorithmCase] | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Parametrize a test's argument ``check`` over the checks of an algorithm."""
    return _parametrized(registry.ALGORITHMS, name, case, None, expected_failures)


def _parametrized(
    kind: registry.Kind[Any],
    name: str,
    case: Case | Factory[Any] | None,
    options: Mapping[str, Any] | None,
    expected_failures: Mapping[str, str] | None,
) -> Callable[[F], F]:
    import pytest

    checker = Checker(kind, name, case, options or {}, expected_failures or {})
    tests = [pytest.param(functools.partial(_test, checker, check), id=check) for check in checker.checks]
    mark: Callable[[F], F] = pytest.mark.parametrize("check", tests)
    return mark


def _test(checker: Checker, name: str) -> None:
    """Run a check; one that does not apply passes, since it breaks no contract."""
    import pytest

    result = checker.run(name)
    if name == list(checker.checks)[-1]:  # tests that follow may count the processes of this one
        _nursery.close()
    if result.status == NOT_READY:
        pytest.skip(result.message)
    if result.status == EXPECTED:
        pytest.xfail(result.message)
    if not result.ok:
        pytest.fail(f"{result.summary}\n{result.status}: {result.message}\n{result.trace}".rstrip(), pytrace=False)
