"""The versions of the real module that this Python can import, each unpacked and asked once."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from plugins.lpbench_trt.tests.real import api, uses, wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from plugins.lpbench_trt.tests.real.uses import Use

READ_API = wheels.HERE / "read_api.py"
HERE = [version for version in wheels.VERSIONS if (version, wheels.PYTHON) in wheels.FILES]
"""Versions with a wheel for this Python."""


class Versions:
    """Gives what the versions have.

    :param folder: Makes a new folder whose name begins with the given text.
    """

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self.module = functools.cache(lambda version: wheels.bindings(version, folder("bindings")))
        self.api = functools.cache(self._read)
        self.every = functools.cache(lambda: api.merged(map(self.api, HERE)))

    def uses(self, sources: Mapping[str, str]) -> list[Use]:
        """Return what a package uses of the module, given its sources by file name."""
        return uses.found(sources, self.every())

    def absent(self, sources: Mapping[str, str], version: str) -> Iterator[Use]:
        """Yield the uses, guarded or not, of what a version does not have though it has the class."""
        found = self.api(version)
        for use in self.uses(sources):
            if found.has(use.owner) and found.find(use.owner, use.name) is None:
                yield use

    def missing(self, sources: Mapping[str, str], version: str) -> list[str]:
        """Return those that are not guarded."""
        return [str(use) for use in self.absent(sources, version) if not use.guarded]

    def refused(self, sources: Mapping[str, str], version: str) -> list[str]:
        """Return the calls that no signature of a version accepts."""
        return [str(use) for use in self.uses(sources) if use.call and not self._accepts(use, version)]

    def _accepts(self, use: Use, version: str) -> bool:
        member = self.api(version).find(use.owner, use.name)
        signatures = member.signatures if member else ()
        return not signatures or use.call is None or any(each.accepts(use.call) for each in signatures)

    def _read(self, version: str) -> api.Api:
        return api.parsed(version, json.loads(self.module(version).run(READ_API)))
