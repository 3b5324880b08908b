"""What configurations are called beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.model import Configuration


def name_of(each: Configuration, beside: Sequence[Configuration]) -> str:
    """Return an engine's name; of an engine that stands there several times, with what sets it apart.

    The words are those that ``--engine`` takes: ``onnxruntime:threads=2``.  Where nothing sets it apart from
    one before it, it is the second: ``onnxruntime#2``.
    """
    same = [other for other in beside if other.engine == each.engine]
    if len(same) < 2:  # noqa: PLR2004 - alone
        return clean(each.engine)
    keys = dict.fromkeys(key for other in same for key in other.options)
    apart = [key for key in keys if any(other.options.get(key) != each.options.get(key) for other in same)]
    parts = [f"{key}={each.options[key]}" for key in apart if key in each.options]
    twins = [other for other in same if all(other.options.get(key) == each.options.get(key) for key in apart)]
    place = next((at for at, other in enumerate(twins) if other is each), 0)
    return clean(":".join([each.engine, *parts])) + (f"#{place + 1}" if place else "")
