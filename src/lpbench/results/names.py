"""Names that tell the configurations of one result apart."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.model import Configuration


def labelled(configurations: Sequence[Configuration]) -> list[Configuration]:
    """Return configurations with what each is called beside the others."""
    return [dataclasses.replace(each, label=name_of(each, configurations)) for each in configurations]


def name_of(each: Configuration, beside: Sequence[Configuration]) -> str:
    """Return the engine's name, followed by the options that differ where the same engine occurs several times.

    The syntax is that of ``--engine``: ``onnxruntime:threads=2``.  Configurations with equal options are
    numbered from the second on: ``onnxruntime#2``.

    :param beside: All configurations among which the name must be unique, ``each`` included.
    """
    siblings = [sibling for sibling in beside if sibling.engine == each.engine]
    if len(siblings) < 2:  # noqa: PLR2004 - alone
        return clean(each.engine)
    keys = dict.fromkeys(key for sibling in siblings for key in sibling.options)
    differing = [key for key in keys if any(sibling.options.get(key) != each.options.get(key) for sibling in siblings)]
    parts = [f"{key}={each.options[key]}" for key in differing if key in each.options]
    twins = [
        sibling for sibling in siblings if all(sibling.options.get(key) == each.options.get(key) for key in differing)
    ]
    place = next((at for at, twin in enumerate(twins) if twin is each), 0)
    return clean(":".join([each.engine, *parts])) + (f"#{place + 1}" if place else "")
