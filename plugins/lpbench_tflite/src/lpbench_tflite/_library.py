"""Imports the library: LiteRT where it is installed, else the tflite-runtime before it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from lpbench.plugin.engine import EngineError
from lpbench_tflite._spec import LITERT, RUNTIME, numpy_problem, version

DISTRIBUTIONS = {LITERT: ("ai-edge-litert", "ai-edge-litert-nightly"), RUNTIME: ("tflite-runtime",)}


@dataclass(frozen=True)
class Library:
    """What is used of the library.

    :param distribution: The distribution that brought it.
    :param api: Its module ``interpreter``.
    """

    distribution: str
    version: str
    api: Any


def library() -> Library:
    """Return the installed library.

    :raises EngineError: It does not work with the installed numpy, or cannot be imported.
    """
    if problem := numpy_problem():
        raise EngineError(problem[0], hint=problem[1])
    wrong: list[str] = []
    for name, distributions in DISTRIBUTIONS.items():
        try:
            api = importlib.import_module(f"{name}.interpreter")
        except ImportError as error:
            wrong.append(f"{name}: {error}")
            continue
        return Library(*_version(distributions), api)
    raise EngineError(f"LiteRT cannot be imported: {'; '.join(wrong)}", hint='pip install "lpbench[tflite]"')


def _version(distributions: tuple[str, ...]) -> tuple[str, str]:
    found = ((name, version(name)) for name in distributions)
    return next(((name, number) for name, number in found if number), (distributions[0], "unknown"))
