"""The catalogues of data sheets, and what of them is here: this machine's row, and the engines of frameworks."""

from __future__ import annotations

import dataclasses
from pathlib import Path  # noqa: TC003 - annotations say which arguments are taken
from typing import TYPE_CHECKING

from lpbench import datasheets, machine
from lpbench.plugin import registry
from lpbench.util.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec


@checked
def platforms(*, files: Sequence[str | Path] = ()) -> datasheets.Platforms:
    """Return the hardware platforms by id, and which of them this machine is.

    :param files: Files with rows of yours, beside those in ``$XDG_DATA_HOME/lpbench/datasheets/platforms``.
    :raises DataSheetError: One of them is wrong.
    """
    found = datasheets.Platforms(datasheets.read(datasheets.Platform, files))
    here = machine.platform()
    return datasheets.Platforms(found.values(), found.id_of(here) or here)


@checked
def frameworks(*, files: Sequence[str | Path] = ()) -> datasheets.Frameworks:
    """Return the deployment frameworks by id, each with the engines of installed plugins that run it and their states.

    An engine runs the framework with which it shares a name or an alias.

    :param files: Files with rows of yours, beside those in ``$XDG_DATA_HOME/lpbench/datasheets/frameworks``.
    :raises DataSheetError: One of them is wrong.
    """
    offers = registry.current().all(registry.ENGINES).values()
    return datasheets.Frameworks(_with_engines(row, offers) for row in datasheets.read(datasheets.Framework, files))


@checked
def models(*, files: Sequence[str | Path] = ()) -> datasheets.Models:
    """Return the models by id.

    :param files: Files with rows of yours, beside those in ``$XDG_DATA_HOME/lpbench/datasheets/models``.
    :raises DataSheetError: One of them is wrong.
    """
    return datasheets.Models(datasheets.read(datasheets.ModelSheet, files))


def _with_engines(row: datasheets.Framework, offers: Iterable[Offer[EngineSpec]]) -> datasheets.Framework:
    sharing = [each for each in offers if {each.spec.name, *each.spec.aliases}.intersection(row.names)]
    return dataclasses.replace(row, engines={each.spec.name: each.availability().state.value for each in sharing})
