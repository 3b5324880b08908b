"""Which platform a name means, and what it costs: for what is exchanged with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.datasheets.catalogue import Platforms
from lpbench.datasheets.reading import read
from lpbench.datasheets.rows import Platform
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from lpbench.datasheets.values import Price


def platform_id(name: str) -> str:
    """Return the id under which published data knows a platform; a name without a row stays as it is.

    :param name: As the machine is called here: ``jetson-nano`` is ``jetson-nano2`` there.
    :raises DataSheetError: A file of the user's own rows is wrong.
    """
    return _platforms().id_of(name) or name


def price(name: str) -> Price | Unavailable:
    """Return what a platform costs, by its id or another of its names; ``figure`` is the one amount of HW_price.

    :raises DataSheetError: A file of the user's own rows is wrong.
    """
    found = _platforms()
    known = found.id_of(name)
    if known is None:
        return Unavailable(f'"{name}" is not among the platforms', hint="lpbench platforms lists them")
    stated = found[known].board_price
    hint = "a file of yours can: lpbench platforms --help"
    return stated or Unavailable(f"no source states the price of {known}", hint=hint)


def _platforms() -> Platforms:
    return Platforms(read(Platform))
