"""The files that a conversion depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.app.model_files import external
from lpbench.util.digests import file_digest

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model


def digests(model: Model) -> dict[str, str]:
    """Return the sha256 of each file that a model consists of, by name, external weights included."""
    return {path.name: file_digest(path) for path in (model.path, *model.extra, *external(model))}


def size_of(model: Model) -> int:
    """Return the bytes of the files that a model consists of; a conversion needs about as many again."""
    return sum(path.stat().st_size for path in (model.path, *model.extra, *external(model)))
