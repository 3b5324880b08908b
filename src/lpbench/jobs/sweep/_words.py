"""A configuration of a sweep in the words of ``--engine``, and by the names of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args, get_origin, get_type_hints

from lpbench.errors import LpbenchError
from lpbench.plugin import registry
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.engine_options import pairs
from lpbench.plugin.specs import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lpbench.plugin.specs import EngineSpec
    from lpbench.results.sweep import Asked, Found

UNCONVERTED = "F32"
"""The precision of which an app's own models are, unless they say otherwise."""
ONE_THREAD = "threads=1"


def is_offered(word: str | Path) -> bool:
    """Say whether a word is an algorithm's name, of a plugin that is here or that lpbench knows.

    Such a name is the algorithm's even where a folder is called so, as that of its sweep may be: ``./NAME`` is that.
    """
    if not isinstance(word, str):
        return False
    offers = registry.current().all(registry.ALGORITHMS)
    return word in offers or bool(brought_by(word, group=registry.ALGORITHMS.extras))


def words_of(asked: Asked) -> str:
    """Return what ``--engine`` takes for a configuration.

    :raises LpbenchError: Nobody offers the engine, or its plugin is broken.
    """
    name, _, own = asked.engine.partition(":")
    spec = registry.current().get(registry.ENGINES, name).spec
    return ":".join(filter(None, (name, own, *_words(asked, spec))))


def _words(asked: Asked, spec: EngineSpec) -> Iterator[str]:
    if asked.device is not None:
        yield f"device={asked.device}"
    if asked.threads is not None and (asked.threads > 1 or takes_threads(spec)):
        yield f"threads={asked.threads}"
    if asked.precision is not None:
        yield precision_word(spec, asked.precision)
    if asked.tile is not None:
        yield f"tile={asked.tile}"
    for name, number in (("batch", asked.batch), ("streams", asked.streams)):
        if number not in {None, 1}:
            yield f"{name}={number}"


def precision_word(spec: EngineSpec, precision: str) -> str:
    """Return what makes an engine run in a precision: an option of its own, else the model variant of that name.

    Empty for the precision of the app's own model.
    """
    if precision in precisions(spec):
        return f"precision={precision}"
    return "" if precision == UNCONVERTED else f"variant={precision.lower()}"


def precisions(spec: EngineSpec) -> tuple[str, ...]:
    """Return the precisions that an engine's own option takes; empty where it has no such option."""
    if not spec.config:
        return ()
    hint = get_type_hints(load(spec.config, who=spec.name)).get("precision")
    return get_args(hint) if get_origin(hint) is Literal else ()


def takes_threads(spec: EngineSpec) -> bool:
    """Say whether an engine has an option for its threads; one that has none runs as it does."""
    return bool(spec.config) and "threads" in get_type_hints(load(spec.config, who=spec.name))


def reference_words(words: str) -> str:
    """Return the words of a reference: on one thread unless they say otherwise, where the engine has threads."""
    name, *own = words.split(":")
    spec = registry.current().get(registry.ENGINES, name).spec
    return f"{words}:{ONE_THREAD}" if takes_threads(spec) and "threads" not in pairs(words, own) else words


def same(first: str, second: str) -> bool:
    """Say whether two words ask for the same."""
    (one, *own), (other, *others) = first.split(":"), second.split(":")
    try:
        return one == other and pairs(first, own) == pairs(second, others)
    except LpbenchError:
        return False


def stated(asked: Asked, name: str, found: Found) -> dict[str, str | int | float]:
    """Return the facts of a row; of what never ran, those that were asked for.

    :param name: The app's.
    """
    if asked.values:
        return {**asked.values, **found.facts}
    given = {"THREADS": asked.threads, "BATCH": asked.batch, "STREAMS": asked.streams}
    known: dict[str, str | int | float] = {column: value for column, value in given.items() if value is not None}
    return {"MODEL": name, "ENGINE": asked.engine.partition(":")[0], **known, **found.facts}
