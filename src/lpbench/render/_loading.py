"""What opening a model took, where the engine says whether it built it or found it in a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import digits
from lpbench.results.loading import loads_of
from lpbench.results.names import names_of
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.results.loading import Loads
    from lpbench.results.model import Configuration, Result

SECOND, MILLISECOND = 1e9, 1e6
NOT_ALIKE = "no verdict on loading: a load that builds and one from a cache are different things"


def load_lines(result: Result) -> list[str]:
    """Return a line for each configuration whose engine says how it was opened."""
    several = len(result.configurations) > 1
    found = zip(names_of(result.configurations), map(load_words, map(_loads, result.configurations)), strict=True)
    return [f"{name}: {words}" if several else words for name, words in found if words]


def load_words(loads: Loads) -> str:
    """Return the loads of each kind and what building took; nothing where the engine does not say."""
    kinds = [(loads.built, loads.built_ns, "built"), (loads.cached, loads.cached_ns, "from cache")]
    parts = [_figure(ns, kind, times, alone=loads.kind != "both") for times, ns, kind in kinds if ns is not None]
    if not parts:
        return ""
    build = f"; building it took {digits(loads.build_s)} s" if loads.cached and loads.build_s is not None else ""
    return f"load {', '.join(parts)}{build}"


def loads_beside(pair: tuple[Loads, Loads]) -> list[str]:
    """Return the loads of two configurations beside each other, and that those of two kinds are not compared."""
    words = [load_words(each).removeprefix("load ") for each in pair]
    if not any(words):
        return []
    lines = [f"load {words[0] or 'not told'} → {words[1] or 'not told'}"]
    kinds = {each.kind for each in pair}
    return lines if len(kinds) == 1 and "both" not in kinds else [*lines, NOT_ALIKE]


def _loads(each: Configuration) -> Loads:
    return loads_of(each.counted)


def _figure(ns: float, kind: str, times: Sequence[int], *, alone: bool) -> str:
    time = f"{digits(ns / SECOND)} s" if ns >= SECOND else f"{digits(ns / MILLISECOND)} ms"
    runs = "" if alone else f", {amount(len(times), 'run')}"
    return f"{time} ({kind}{runs})"
