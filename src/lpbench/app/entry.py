"""An entry of the catalogue, as a plugin defines it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpbench.plugin.kit.downloads import Package


@dataclass(frozen=True)
class Entry:
    """One AI app of the catalogue.

    :param name: The app's name, as users type it; equal to its spec's name.
    :param version: Version of this definition; a change of the recipe is a new version.
    :param app_class: Class of the app, such as ``image_classification``.
    :param licence: SPDX expression for the finished app's weights, or a description if no expression exists.
    :param source: Origin of the weights and samples, for the descriptor.
    :param packages: The packages to fetch.
    :param recipe: ``"package.module:function"``, called with the folder of the members and the app's folder;
        it writes the models, the labels and ``ai_app_config.json``.
    :param samples: Names of the members that are copied into the app's ``samples`` folder.
    :param timeout: Seconds that the recipe may take.
    """

    name: str
    version: str
    app_class: str
    licence: str
    source: str
    packages: tuple[Package, ...]
    recipe: str
    samples: tuple[str, ...] = ()
    timeout: float = 1800.0

    def fingerprint(self) -> str:
        """Return a digest of the whole definition; a pulled app with a different one is outdated."""
        import hashlib

        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def licences(self) -> tuple[str, ...]:
        """Return every licence involved, each once, that of the weights first."""
        return tuple(dict.fromkeys((self.licence, *(package.licence for package in self.packages))))
