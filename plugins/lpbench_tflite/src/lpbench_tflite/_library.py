"""Imports the library: LiteRT if it is installed, otherwise its predecessor tflite-runtime."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from lpbench.plugin.engine import EngineError
from lpbench_tflite._spec import LITERT, RUNTIME, numpy_problem, version

DISTRIBUTIONS = {LITERT: ("ai-edge-litert", "ai-edge-litert-nightly"), RUNTIME: ("tflite-runtime",)}


@dataclass(frozen=True)
class Library:
    """The library in use.

    :param distribution: The distribution that provides it.
    :param api: The library's module ``interpreter``.
    """

    distribution: str
    version: str
    api: Any


def library() -> Library:
    """Return the installed library.

    :raises EngineError: The library does not work with the installed numpy, or cannot be imported.
    """
    if problem := numpy_problem():
        raise EngineError(problem[0], hint=problem[1])
    errors: list[str] = []
    for name, distributions in DISTRIBUTIONS.items():
        try:
            api = importlib.import_module(f"{name}.interpreter")
        except ImportError as error:
            errors.append(f"{name}: {error}")
            continue
        return Library(*_version(distributions), api)
    raise EngineError(f"LiteRT cannot be imported: {'; '.join(errors)}", hint='pip install "lpbench[tflite]"')


def _version(distributions: tuple[str, ...]) -> tuple[str, str]:
    versions = ((name, version(name)) for name in distributions)
    return next(((name, number) for name, number in versions if number), (distributions[0], "unknown"))
